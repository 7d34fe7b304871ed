import { Schema } from "effect"
import type { DocumentedMessage } from "../DocumentedMessage.ts"
import { requests } from "./Protocol.ts"
import type { Method } from "./Protocol.ts"

// What the server sends; what clients send is decoded by `requests`.
const Info = Schema.Struct({
  user: Schema.String,
  client: Schema.String,
  conn_info: Schema.optionalKey(Schema.Unknown)
})
const Publication = Schema.Struct({
  data: Schema.Unknown,
  info: Schema.optionalKey(Info.annotate({ description: "Who wrote it; a guest's chat message has none" })),
  offset: Schema.Int
})
const Expiry = {
  expires: Schema.optionalKey(Schema.Literal(true)),
  ttl: Schema.optionalKey(Schema.Int.annotate({ description: "Seconds until the token is to be refreshed" }))
}
const Position = { offset: Schema.Int, epoch: Schema.String }
const Connected = { client: Schema.String, version: Schema.String, ...Expiry }
const Empty = Schema.Record(Schema.String, Schema.Never)

const id = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_294_967_295 }))

const info = { user: "testuser", client: "5c6bc1a6-6a9d-4f0c-9d2c-0b6d2d0f2a11" }
const chat = { from: "testuser", message: "Hello", date: "2026-01-01T00:00:00.000Z", id: "m-1" }
const publication = { data: chat, info: { user: "testuser", client: "" }, offset: 1 }
const position = { offset: 1, epoch: "k3Jq" }
const subscribed = { recoverable: true, positioned: true, ...position }

const nameOf = (method: string, kind: string): string =>
  `${method.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}${kind}`

const errorReply: DocumentedMessage = {
  name: "errorReply",
  from: "reply",
  summary: "A command that failed; `temporary`: the same may succeed later.",
  schema: Schema.Struct({
    id,
    error: Schema.Struct({
      code: Schema.Int,
      message: Schema.String,
      temporary: Schema.optionalKey(Schema.Literal(true))
    })
  }),
  examples: [{ id: 2, error: { code: 103, message: "permission denied" } }]
}

interface Exchange {
  readonly asks: ReadonlyArray<unknown>
  readonly result: Schema.Codec<unknown, unknown>
  readonly answers: ReadonlyArray<unknown>
}

/** A command, and its reply. */
const command = (
  method: Method,
  summary: string,
  { answers, asks, result }: Exchange
): ReadonlyArray<DocumentedMessage> => {
  const reply = nameOf(method, "Reply")
  return [
    {
      name: nameOf(method, "Command"),
      from: "client",
      summary,
      schema: Schema.Struct({ id, [method]: requests[method] }),
      examples: asks.map((params) => ({ id: 2, [method]: params })),
      answers: [reply, errorReply.name]
    },
    {
      name: reply,
      from: "reply",
      summary: `The reply to ${method}.`,
      schema: Schema.Struct({ id, [method]: result }),
      examples: answers.map((value) => ({ id: 2, [method]: value }))
    }
  ]
}

const push = (
  kind: string,
  summary: string,
  schema: Schema.Codec<unknown, unknown>,
  example: unknown
): DocumentedMessage => ({
  name: nameOf(kind, "Push"),
  from: "server",
  summary,
  schema: Schema.Struct({ push: Schema.Struct({ channel: Schema.String, [kind]: schema }) }),
  examples: [{ push: { channel: "lobby", [kind]: example } }]
})

/** Every message of Centrifugo's wire: one JSON value each; a frame holds one or more, a line each. In protobuf they are the same values. */
export const protocolMessages: ReadonlyArray<DocumentedMessage> = [
  ...command("connect", "First of all: who it is. Without a token a guest.", {
    asks: [{}, { token: "eyJ…", name: "js" }],
    result: Schema.Struct({ ...Connected, ping: Schema.Int, pong: Schema.Literal(true) }),
    answers: [{ client: info.client, version: "parley", ping: 25, pong: true, expires: true, ttl: 890 }]
  }),
  ...command("subscribe", "Follows a room, from its head or from a position on.", {
    asks: [{ channel: "lobby" }, { channel: "$staff", token: "eyJ…", recover: true, ...position, join_leave: true }],
    result: Schema.Struct({
      recoverable: Schema.Literal(true),
      positioned: Schema.Literal(true),
      ...Position,
      was_recovering: Schema.optionalKey(Schema.Literal(true)),
      recovered: Schema.optionalKey(Schema.Boolean),
      publications: Schema.optionalKey(Schema.Array(Publication)),
      ...Expiry
    }),
    answers: [subscribed, { ...subscribed, was_recovering: true, recovered: true, publications: [publication] }]
  }),
  ...command("unsubscribe", "Leaves a room.", { asks: [{ channel: "lobby" }], result: Empty, answers: [{}] }),
  ...command("publish", "Publishes; answered when it is stored.", {
    asks: [
      { channel: "lobby", data: { message: "Hello", id: "m-1" } },
      { channel: "lobby", data: [1, 2] }
    ],
    result: Empty,
    answers: [{}]
  }),
  ...command("presence", "Who is in a room.", {
    asks: [{ channel: "lobby" }],
    result: Schema.Struct({ presence: Schema.Record(Schema.String, Info) }),
    answers: [{ presence: { [info.client]: info } }]
  }),
  ...command("presence_stats", "How many are in a room.", {
    asks: [{ channel: "lobby" }],
    result: Schema.Struct({ num_clients: Schema.Int, num_users: Schema.Int }),
    answers: [{ num_clients: 2, num_users: 1 }]
  }),
  ...command("history", "A page of a room's log; without a limit where it stands.", {
    asks: [{ channel: "lobby" }, { channel: "lobby", limit: 10, since: position, reverse: true }],
    result: Schema.Struct({ publications: Schema.Array(Publication), ...Position }),
    answers: [{ publications: [publication], ...position }]
  }),
  ...command("ping", "Whether the server is there.", { asks: [{}], result: Empty, answers: [{}] }),
  ...command("rpc", "Calls the server: `parley.room` says where a room's log stands.", {
    asks: [{ method: "parley.room", data: { room: "lobby" } }],
    result: Schema.Struct({ data: Schema.Unknown }),
    answers: [{ data: position }]
  }),
  ...command("refresh", "Brings a fresh token of the same account.", {
    asks: [{ token: "eyJ…" }],
    result: Schema.Struct(Connected),
    answers: [{ client: info.client, version: "parley", expires: true, ttl: 890 }]
  }),
  ...command("sub_refresh", "Brings a fresh token for a private room.", {
    asks: [{ channel: "$staff", token: "eyJ…" }],
    result: Schema.Struct(Expiry),
    answers: [{ expires: true, ttl: 890 }]
  }),
  errorReply,
  {
    name: "sendCommand",
    from: "client",
    summary: "Wants no answer, and nobody listens for it.",
    schema: Schema.Struct({ send: requests.send }),
    examples: [{ send: { data: 1 } }]
  },
  { name: "pong", from: "client", summary: "The answer to the server's ping.", schema: Empty, examples: [{}] },
  { name: "ping", from: "server", summary: "A sign of life: answered with the same.", schema: Empty, examples: [{}] },
  push("pub", "A publication, in the log's order.", Publication, publication),
  push("join", "Somebody came; for whoever asked to hear of it.", Schema.Struct({ info: Info }), { info }),
  push("leave", "Somebody went; for whoever asked to hear of it.", Schema.Struct({ info: Info }), { info }),
  push(
    "unsubscribe",
    "The server ended the subscription: from code 2500 on subscribe again.",
    Schema.Struct({ code: Schema.Int, reason: Schema.String }),
    { code: 2_000, reason: "server unsubscribe" }
  )
]
