// Hot path: a page of history is joined from texts that were made once a batch.
import type { ChatRoom } from "../../domain/ChatRoom.ts"
import { viewTexts } from "../../domain/MessageView.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import type { WireFormat } from "../../domain/RoomTail.ts"
import type { HistoryQuery } from "../../ports/MessageHistory.ts"

/** The positions that a page holds, and the room's last. */
export interface Span {
  readonly first: number
  readonly last: number
  readonly head: number
}

/** RFC 8288: where the neighbouring page is. Relative, so that it holds behind any proxy. */
export const linkOf = (
  { after, before, limit, room }: HistoryQuery,
  { first, head, last }: Span
): string | undefined => {
  const target = (position: Record<string, string>) =>
    `</api/message/v1/history?${new URLSearchParams({ room, limit: String(limit), ...position }).toString()}>`
  if (after === undefined) return first > 1 ? `${target({ before: String(first) })}; rel="prev"` : undefined
  const end = before === undefined ? head : before - 1
  if (last >= end) return undefined
  return `${target({ after: String(last), ...(before === undefined ? {} : { before: String(before) }) })}; rel="next"`
}

/** A JSON array of message views. */
export const pageText = (room: RoomName, entries: ReadonlyArray<Entry>): string => {
  const textAt = viewTexts(room, entries, "without room")
  return `[${entries.map((_, index) => textAt(index)).join(",")}]`
}

/** The elements of such an array, a comma after each. */
const historyWire: WireFormat = {
  encode: (room, entries) => {
    const textAt = viewTexts(room, entries, "without room")
    const ends = new Uint32Array(entries.length)
    let text = ""
    let end = 0
    for (let index = 0; index < entries.length; index++) {
      const element = `${textAt(index)},`
      text += element
      end += Buffer.byteLength(element)
      ends[index] = end
    }
    return { bytes: Buffer.from(text), ends }
  }
}

const opening = Buffer.from("[")
const closing = Buffer.from("]")
const empty = Buffer.from("[]")

/** The newest messages of a room, oldest first, as `pageText` has them; `undefined` where its tail does not reach back so far. */
export const newestPage = (
  room: ChatRoom,
  limit: number
): { readonly body: Uint8Array; readonly span: Span | undefined } | undefined => {
  if (room.state === undefined) return undefined
  const head = room.published
  if (head === 0) return { body: empty, span: undefined }
  const first = Math.max(head - limit, 0) + 1
  const pieces: Array<Uint8Array> = [opening]
  for (let position = first - 1; position < head;) {
    const batch = room.tail.batchAfter(position)
    if (batch === undefined) return undefined
    const { bytes, ends } = batch.encodedBy(historyWire)
    const begin = position + 1 === batch.first ? 0 : (ends[position - batch.first] ?? 0)
    position = batch.last
    // The last one's comma stays behind.
    pieces.push(bytes.subarray(begin, position < head ? bytes.length : bytes.length - 1))
  }
  pieces.push(closing)
  return { body: Buffer.concat(pieces), span: { first, last: head, head } }
}

/** A page as it is sent. */
export interface ReadyPage {
  readonly body: Uint8Array
  readonly link: string | undefined
}

/** Pages that were asked for last are kept: so many, each of so many bytes at most; past it all are forgotten. */
const keptPages = 64
const keptPageBytes = 65_536

/** The newest page of a room in memory, made once a position: a log only grows, so a name and its head say what the page holds. */
export const makeNewestPages = (limit: number): ((room: ChatRoom) => ReadyPage | undefined) => {
  const kept = new Map<RoomName, { readonly head: number; readonly page: ReadyPage }>()
  return (room) => {
    if (room.state === undefined) return undefined
    const { name, published: head } = room
    const known = kept.get(name)
    if (known?.head === head) return known.page
    const newest = newestPage(room, limit)
    if (newest === undefined) return undefined
    const page = { body: newest.body, link: newest.span && linkOf({ room: name, limit }, newest.span) }
    if (kept.size >= keptPages) kept.clear()
    if (page.body.length <= keptPageBytes) kept.set(name, { head, page })
    return page
  }
}
