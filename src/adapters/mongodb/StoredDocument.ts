import { Result, Schema } from "effect"
import type { Json } from "effect/Schema"
import { isPrivate, Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import { messageText } from "../../domain/MessageView.ts"
import type { Author, Entry, RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import { decodeEvent, idempotencyKey, parseStored } from "../journal/EventCodec.ts"

/**
 * An entry of a room's log as a document of `chat_history`. `from`, `message` and `date` are the seed's, for whoever reads the collection as the
 * original application left it; the rest is ours.
 */
export interface StoredDocument {
  readonly from: string
  /** What people read. The whole payload where that is `{message}`. */
  readonly message: string
  readonly date: Date
  readonly room: string
  readonly seq: number
  readonly kind: Author["kind"]
  /** The version of the event's shape. */
  readonly v: number
  /** The payload's JSON, where it is not a plain `{message}`. As text: JSON knows names and strings that BSON does not. */
  readonly payload?: string
  /** The author's name as JSON, where BSON cannot hold it: strings there are UTF-8. */
  readonly author?: string
  /** What a client id is unique by (see `storedKey`), only where the client sent one. */
  readonly key?: string
}

/** The room, then `idempotencyKey`: a room's name has no tab. One field, since only a single field's index may be unique and sparse. */
export const storedKey = (room: RoomName, event: RoomEvent): string => `${room}\t${idempotencyKey(event)}`

/** The text of a payload that is `{message}` and nothing else, and that BSON can hold. */
const plainText = (payload: Json): string | undefined => {
  if (typeof payload !== "object" || payload === null || !("message" in payload)) return undefined
  const { message } = payload
  return typeof message === "string" && message.isWellFormed() && Object.keys(payload).length === 1
    ? message
    : undefined
}

export const toDocument = (room: RoomName, seq: number, event: RoomEvent): StoredDocument => {
  const { author, payload } = event
  const text = plainText(payload)
  return {
    from: author.name.toWellFormed(),
    message: text ?? messageText(payload).toWellFormed(),
    date: new Date(event.at),
    room,
    seq,
    kind: author.kind,
    v: event.v,
    ...(text === undefined ? { payload: JSON.stringify(payload) } : undefined),
    ...(author.name.isWellFormed() ? undefined : { author: JSON.stringify(author.name) }),
    ...(event.id === undefined ? undefined : { key: storedKey(room, event) })
  }
}

const Stored = Schema.Struct({
  from: Schema.String,
  message: Schema.String,
  date: Schema.Date.check(Schema.makeFilter((date) => !Number.isNaN(date.getTime()), { expected: "a time" })),
  seq: Seq,
  kind: Schema.String,
  v: Schema.Int,
  type: Schema.optionalKey(Schema.String),
  payload: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String),
  key: Schema.optionalKey(Schema.String)
})
type Stored = typeof Stored.Type

const decodeStored = Schema.decodeUnknownResult(Stored)

const parsed = (text: string | undefined, otherwise: unknown): Result.Result<unknown, { readonly problem: string }> =>
  text === undefined ? Result.succeed(otherwise) : parseStored(text)

/** The event as every journal stores it: what an older release wrote is upcast there. */
const eventOf = (stored: Stored): Result.Result<RoomEvent, { readonly problem: string }> =>
  Result.flatMap(parsed(stored.author, stored.from), (from) =>
    Result.flatMap(parsed(stored.payload, { message: stored.message }), (payload) =>
      decodeEvent({
        type: stored.type ?? "MessagePosted",
        v: stored.v,
        kind: stored.kind,
        from,
        payload,
        at: stored.date.getTime(),
        ...(stored.key === undefined ? undefined : { id: stored.key.split("\t")[1] })
      })
    )
  )

/** Reads a document of this room. `Broken` where this release cannot; without the message in the detail. */
export const fromDocument = (room: RoomName, document: unknown): Result.Result<Entry, JournalError> => {
  const stored = decodeStored(document)
  if (Result.isFailure(stored)) return unreadable(room, document, "a document whose fields are not a message's")
  const event = eventOf(stored.success)
  return Result.isFailure(event)
    ? unreadable(room, document, event.failure.problem)
    : Result.succeed({ seq: stored.success.seq, event: event.success })
}

const unreadable = (room: RoomName, document: unknown, problem: string): Result.Result<never, JournalError> => {
  const where = isPrivate(room) ? "a private room" : `room ${room}`
  const seq = typeof document === "object" && document !== null && "seq" in document ? ` ${String(document.seq)}` : ""
  return Result.fail(new JournalError({ reason: "Broken", detail: `${where}, position${seq}: ${problem}` }))
}
