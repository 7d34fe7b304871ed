import { Schema } from "effect"
import type { DocumentedMessage } from "../DocumentedMessage.ts"
import { AuthFrame, MessageFrame } from "./ClassicFrame.ts"

const instant = Schema.String.annotate({
  description: "The server's clock, ISO 8601 UTC with milliseconds",
  format: "date-time"
})

const Delivery = Schema.Struct({
  from: Schema.String,
  message: Schema.String,
  date: instant,
  id: Schema.String,
  seq: Schema.Int,
  room: Schema.String,
  guest: Schema.optionalKey(Schema.Literal(true)),
  service: Schema.optionalKey(Schema.Literal(true))
})

/** What the server says to one socket alone, in a form that a client of the seed prints. */
const Notice = Schema.Struct({
  from: Schema.Literal("system"),
  message: Schema.String,
  date: instant,
  error: Schema.optionalKey(
    Schema.Struct({
      code: Schema.String,
      retryable: Schema.Boolean,
      retryAfterMs: Schema.optionalKey(Schema.Int),
      id: Schema.optionalKey(Schema.String),
      head: Schema.optionalKey(Schema.Int),
      epoch: Schema.optionalKey(Schema.String)
    })
  ),
  ack: Schema.optionalKey(Schema.Struct({ id: Schema.String, seq: Schema.Int })),
  auth: Schema.optionalKey(Schema.Struct({ username: Schema.String, expires: instant }))
})

const date = "2026-01-01T00:00:00.000Z"

/** Every message of the classic wire. */
export const classicMessages: ReadonlyArray<DocumentedMessage> = [
  {
    name: "message",
    from: "client",
    summary: "Says something. With an `id` it is one message, however often it is sent.",
    schema: MessageFrame,
    examples: [
      { from: "username", message: "Hello, World!", date },
      { message: "only who is logged in may leave out from", id: "m-1" }
    ],
    answers: ["delivery", "notice"]
  },
  {
    name: "auth",
    from: "client",
    summary: "Logs the socket in, or brings a fresh token of the same account.",
    schema: AuthFrame,
    examples: [{ type: "auth", token: "eyJ…" }],
    answers: ["notice"]
  },
  {
    name: "delivery",
    from: "server",
    summary: "A message of the room, in the log's order; to its sender the acknowledgement that it is stored.",
    schema: Delivery,
    examples: [
      { from: "testuser", message: "Hello, World!", date, id: "m-1", seq: 1, room: "lobby" },
      { from: "somebody", message: "hi", date, id: "lobby-2", seq: 2, room: "lobby", guest: true }
    ]
  },
  {
    name: "notice",
    from: "server",
    summary:
      "To this socket alone: why a message was refused, that it was stored before, or that somebody is logged in.",
    schema: Notice,
    examples: [
      {
        from: "system",
        message: "Too many messages: send this one again in 200 ms.",
        date,
        error: { code: "rate_limited", retryable: true, retryAfterMs: 200 }
      },
      { from: "system", message: "This message was stored before.", date, ack: { id: "m-1", seq: 1 } },
      { from: "system", message: "You are logged in as testuser.", date, auth: { username: "testuser", expires: date } }
    ]
  }
]
