import { Schema } from "effect"
import type { Seq } from "./Room.ts"

/**
 * The id that a client gave its message, for idempotency: 1–128 printable characters.
 * Only ids that clients sent are kept; none is minted.
 */
export const ClientId = Schema.String.check(
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]{1,128}$/u, { expected: "1–128 printable characters" })
).pipe(Schema.brand("ClientId"))
export type ClientId = typeof ClientId.Type

/**
 * Who wrote an entry. A guest's name belongs to nobody: `{kind: "guest", name: "bob"}` and
 * `{kind: "account", name: "bob"}` are two authors. A service is the program that the server is part of: it has the names that it gives itself, and no
 * account's.
 */
export const Author = Schema.Struct({
  kind: Schema.Literals(["account", "guest", "service"]),
  name: Schema.String
})
export type Author = typeof Author.Type

/**
 * A message was accepted into the room. `payload` is any JSON value; a chat message is `{message: string}`.
 * `at` is the server's clock, milliseconds since 1970 UTC.
 */
export const MessagePosted = Schema.Struct({
  type: Schema.Literal("MessagePosted"),
  v: Schema.Literal(1),
  author: Author,
  payload: Schema.Json,
  at: Schema.Int,
  id: Schema.optionalKey(ClientId)
})
export type MessagePosted = typeof MessagePosted.Type

/**
 * Everything a room's log may hold: versioned events in the past tense (`type`, `v`). What an older release
 * wrote is upcast here when it is read.
 */
export const RoomEvent = MessagePosted
export type RoomEvent = typeof RoomEvent.Type

/** An event at its place in the log. */
export interface Entry {
  readonly seq: Seq
  readonly event: RoomEvent
}
