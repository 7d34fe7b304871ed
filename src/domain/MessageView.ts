import type { Json } from "effect/Schema"
import type { RoomName } from "./Room.ts"
import type { Entry } from "./RoomEvent.ts"

/** An entry as people's clients see it, on the classic wire and in history. The seed's three fields come first. */
export interface MessageView {
  readonly from: string
  readonly message: string
  /** The server's clock, ISO 8601 UTC with milliseconds. */
  readonly date: string
  readonly id: string
  readonly seq: number
  readonly room: string
  /** The name is nobody's: a guest chose it. */
  readonly guest?: true
  /** Written by the program that the server is part of, not by somebody with an account. */
  readonly service?: true
}

/** The client's id; where it sent none, one made from the position: stable, never stored. */
const idOf = (room: RoomName, { event, seq }: Entry): string => event.id ?? `${room}-${seq}`

/** A chat message is the payload `{message}`, and nothing beside it. Hot path. */
export const isChatMessage = (payload: Json): payload is { readonly message: string } => {
  if (typeof payload !== "object" || payload === null || !("message" in payload)) return false
  for (const name in payload) if (name !== "message") return false
  return typeof payload["message"] === "string"
}

/** Any other payload is shown as its JSON. */
export const messageText = (payload: Json): string =>
  isChatMessage(payload) ? payload.message : JSON.stringify(payload)

export const viewOf = (room: RoomName, entry: Entry): MessageView => {
  const { author, at, payload } = entry.event
  const view = {
    from: author.name,
    message: messageText(payload),
    date: new Date(at).toISOString(),
    id: idOf(room, entry),
    seq: entry.seq,
    room
  }
  if (author.kind === "account") return view
  return author.kind === "guest" ? { ...view, guest: true } : { ...view, service: true }
}

/** Times as the wires write them: entries of a batch mostly share their millisecond. */
export const dates = (): ((at: number) => string) => {
  let known = -1
  let date = ""
  return (at) => {
    if (at === known) return date
    known = at
    date = new Date(at).toISOString()
    return date
  }
}

/**
 * The JSON text of `viewOf` of each entry, with less work: what the classic wire's frames and, `without room`, a page of history are made of. Hot path: asked once an entry,
 * one after another. A property test holds the two together.
 */
export const viewTexts = (
  room: RoomName,
  entries: ReadonlyArray<Entry>,
  shape: "with room" | "without room"
): ((index: number) => string) => {
  const roomField = shape === "with room" ? `,"room":${JSON.stringify(room)}` : ""
  const dateOf = dates()
  return (index) => {
    const entry = entries[index]
    if (entry === undefined) return ""
    const { event, seq } = entry
    return (
      `{"from":${JSON.stringify(event.author.name)},"message":${JSON.stringify(messageText(event.payload))}` +
      `,"date":"${dateOf(event.at)}","id":${JSON.stringify(idOf(room, entry))},"seq":${seq}` +
      (event.author.kind === "account" ? `${roomField}}` : `${roomField},"${event.author.kind}":true}`)
    )
  }
}
