// @ts-check
/** The classic wire, as the page reads and writes it: one JSON object a text frame. */

/**
 * @typedef {object} Message A message at its place in the room's log.
 * @property {string} from
 * @property {string} message
 * @property {string} date ISO 8601, the server's clock
 * @property {string} id the id its author's client gave it, or one made by the server
 * @property {number} seq
 * @property {boolean} guest nobody vouches for `from`
 * @property {boolean} [gap] what stood right before it could not be had
 */

/**
 * @typedef {object} Rejection
 * @property {string} code
 * @property {boolean} retryable
 * @property {number | undefined} retryAfterMs
 * @property {string | undefined} id the id of the message that was rejected, where it had one
 */

/**
 * @typedef {{ kind: "message", message: Message }
 *   | { kind: "ack", id: string, seq: number }
 *   | { kind: "rejection", text: string, error: Rejection }
 *   | { kind: "notice", text: string }} Frame
 */

/** A frame is closed upon by the server beyond this: 16 KiB. Bytes of UTF-8. */
export const maxFrameBytes = 16 * 1024

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value)

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : undefined)

/** @param {unknown} value */
const count = (value) => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined)

/**
 * A message as the wire and history both show it, or `undefined` where it is none.
 * @param {unknown} value
 * @returns {Message | undefined}
 */
export const readMessage = (value) => {
  if (!isRecord(value)) return undefined
  const from = text(value["from"])
  const message = text(value["message"])
  const date = text(value["date"])
  const seq = count(value["seq"])
  if (from === undefined || message === undefined || date === undefined || seq === undefined || seq === 0)
    return undefined
  return { from, message, date, seq, id: text(value["id"]) ?? `#${seq}`, guest: value["guest"] === true }
}

/**
 * @param {unknown} data what a `message` event carried
 * @returns {Frame | undefined} `undefined` for what this page does not understand
 */
export const readFrame = (data) => {
  if (typeof data !== "string") return undefined
  let value
  try {
    value = JSON.parse(data)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const message = readMessage(value)
  if (message !== undefined) return { kind: "message", message }
  // Only the server speaks without a position.
  const ack = value["ack"]
  if (isRecord(ack)) {
    const id = text(ack["id"])
    const seq = count(ack["seq"])
    return id === undefined || seq === undefined ? undefined : { kind: "ack", id, seq }
  }
  // The answer to a fresh token is for programs.
  if (isRecord(value["auth"])) return undefined
  const words = text(value["message"]) ?? ""
  const error = value["error"]
  if (isRecord(error)) {
    return {
      kind: "rejection",
      text: words,
      error: {
        code: text(error["code"]) ?? "unknown",
        retryable: error["retryable"] === true,
        retryAfterMs: count(error["retryAfterMs"]),
        id: text(error["id"])
      }
    }
  }
  return words === "" ? undefined : { kind: "notice", text: words }
}

/**
 * @param {{ from: string, message: string, date: string, id: string }} outgoing
 * @returns {string}
 */
export const writeFrame = ({ from, message, date, id }) => JSON.stringify({ from, message, date, id })

/**
 * Brings a fresh token of the same account to a socket that is open.
 * @param {string} token
 */
export const writeAuth = (token) => JSON.stringify({ type: "auth", token })

/** @param {string} frame */
export const frameBytes = (frame) => new TextEncoder().encode(frame).length
