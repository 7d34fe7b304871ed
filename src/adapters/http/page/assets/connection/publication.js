// @ts-check
/** Publications as the page reads them: whatever the wire brings, a message that can be shown, or nothing. */

/** @import { Message } from "../store/room.js" */

/** @param {unknown} value @returns {Record<string, unknown>} */
const record = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {}

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : undefined)

/** @param {unknown} value */
const isPosition = (value) => typeof value === "number" && Number.isSafeInteger(value) && value > 0

/**
 * @param {unknown} publication `{data, info, offset}`
 * @returns {Message | undefined}
 */
export const readPublication = (publication) => {
  const { data, info, offset } = record(publication)
  if (typeof offset !== "number" || !isPosition(offset) || data === undefined) return undefined
  const { user, conn_info: fromWire, connInfo = fromWire } = record(info)
  const account = text(user) ?? ""
  const { guest, name, service } = record(connInfo)
  const fields = record(data)
  const message = text(fields["message"])
  const at = Date.parse(text(fields["date"]) ?? "")
  const isChat = message !== undefined && text(fields["from"]) !== undefined
  // What is no chat message is shown as its JSON, as clients of the other wire see it.
  return {
    seq: offset,
    id: (isChat ? text(fields["id"]) : undefined) ?? `#${offset}`,
    from: account !== "" ? account : (text(name) ?? text(fields["from"]) ?? "unknown"),
    text: isChat ? message : JSON.stringify(data),
    at: Number.isNaN(at) ? 0 : at,
    kind: account !== "" ? "account" : service === true && guest !== true ? "service" : "guest"
  }
}

/** @param {unknown} publications @returns {Message[]} by position, oldest first */
export const readPublications = (publications) =>
  (Array.isArray(publications) ? publications : [])
    .map(readPublication)
    .filter((message) => message !== undefined)
    .toSorted((a, b) => a.seq - b.seq)
