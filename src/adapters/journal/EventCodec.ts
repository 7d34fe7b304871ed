import { Result, Schema } from "effect"
import { enable } from "effect/schema/SchemaJITCompiler"
import { ClientId } from "../../domain/RoomEvent.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"

/**
 * How an event is stored: compact JSON,
 * `{"type":"MessagePosted","v":1,"kind":"account","from":"ada","payload":{"message":"hi"},"at":1764000000000,"id":"…"}`.
 *
 * Equal events have equal texts, and `JSON.stringify(JSON.parse(text))` is the text again: stores compare content by it.
 */
export const encodeEvent = (event: RoomEvent): string => {
  const head = `{"type":"MessagePosted","v":1,"kind":"${event.author.kind}","from":${JSON.stringify(event.author.name)}`
  const body = `${head},"payload":${JSON.stringify(event.payload)},"at":${event.at}`
  return event.id === undefined ? `${body}}` : `${body},"id":${JSON.stringify(event.id)}}`
}

/**
 * What a client id is unique by inside its room: the id, then who sent it. Empty where the client sent none.
 * A tab cannot be part of an id and is escaped in a name, so two keys are equal only where all three parts are.
 */
export const idempotencyKey = (event: RoomEvent): string =>
  event.id === undefined ? "" : `${event.id}\t${event.author.kind}:${JSON.stringify(event.author.name).slice(1, -1)}`

/** A stored event that this release cannot read. `problem` is one line, without the event's content. */
export interface UnreadableEvent {
  readonly problem: string
}

const isJson = (value: unknown): value is Schema.Json => value !== undefined

const StoredVersion = Schema.Struct({ type: Schema.String, v: Schema.Int })

const StoredMessagePosted1 = Schema.Struct({
  type: Schema.Literal("MessagePosted"),
  v: Schema.Literal(1),
  kind: Schema.Literals(["account", "guest", "service"]),
  from: Schema.String,
  // It came out of JSON.parse: walking it again would cost more than all the rest.
  payload: Schema.declare(isJson),
  at: Schema.Int,
  id: Schema.optionalKey(ClientId)
})

// Before its decoder is made: compiled, it costs half as much.
enable(StoredMessagePosted1.ast)

const decodeVersion = Schema.decodeUnknownResult(StoredVersion)
const decodeMessagePosted1 = Schema.decodeUnknownResult(StoredMessagePosted1)

const unreadable = (problem: string): Result.Result<never, UnreadableEvent> => Result.fail({ problem })

/** Reads one stored event, already parsed as JSON. What an older release wrote is upcast here. */
export const decodeEvent = (stored: unknown): Result.Result<RoomEvent, UnreadableEvent> => {
  const decoded = decodeMessagePosted1(stored)
  if (Result.isFailure(decoded)) return explain(stored)
  const { type, v, kind, from, payload, at, id } = decoded.success
  const author = { kind, name: from }
  return Result.succeed(id === undefined ? { type, v, author, payload, at } : { type, v, author, payload, at, id })
}

const explain = (stored: unknown): Result.Result<never, UnreadableEvent> => {
  const version = decodeVersion(stored)
  if (Result.isFailure(version)) return unreadable("an event without a type and a version")
  const { type, v } = version.success
  return type === "MessagePosted" && v === 1
    ? unreadable("a MessagePosted event whose fields are not those of version 1")
    : unreadable(`an event of type ${JSON.stringify(type)}, version ${v}, which this release does not know`)
}

/** Parses a JSON text that a store holds. */
export const parseStored = (text: string): Result.Result<unknown, UnreadableEvent> =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: () => ({ problem: "a text that is not JSON" }) })
