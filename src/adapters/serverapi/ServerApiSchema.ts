// Centrifugo's server API, version 5 and 6: what backends ask, and what they are answered (centrifugal/centrifugo, its documentation's chapter "Server API").
import { Schema } from "effect"
import { RoomName, Seq } from "../../domain/Room.ts"
import { ClientId } from "../../domain/RoomEvent.ts"

/** Commands in a batch, and rooms in a broadcast. */
export const maxAtOnce = 1_000
/** What `channels` tells at once; past it a narrower pattern is asked for. */
export const maxChannelsTold = 10_000
/** A code that a WebSocket may be closed with, and as much of a reason as fits the frame. */
const ApplicationCode = Schema.Int.check(
  Schema.isBetween({ minimum: 3_000, maximum: 4_999 }, { expected: "a close code from 3000 to 4999" })
)
const CloseReason = Schema.String.check(
  Schema.makeFilter((text: string) => Buffer.byteLength(text) <= 123, { expected: "a reason of at most 123 bytes" })
)

/** Nothing, or its empty value: some client libraries send that for what nobody has set. */
const Text = Schema.optionalKey(Schema.String)

/** `data` is any JSON value. */
const Publication = {
  data: Schema.Unknown.annotate({
    description:
      "Any JSON value of at most 16 KiB. `{message, from?}`, with nothing beside it but `date` and `id`, is a chat message of the service `from`"
  }),
  idempotency_key: Schema.optionalKey(
    Schema.Union([ClientId, Schema.Literal("")]).annotate({
      description: "For ever: the same key is the same publication, with other data it is error 409"
    })
  ),
  /** What Centrifugo has and a log has not: refused where it says anything, never silently left out. */
  b64data: Schema.optionalKey(Schema.Literal("")),
  skip_history: Schema.optionalKey(Schema.Literal(false)),
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.Never)),
  version: Schema.optionalKey(Schema.Literal(0)),
  version_epoch: Schema.optionalKey(Schema.Literal(""))
}

/** `user` must be there: `""` means the guests, and is never meant by forgetting it. */
const Whose = {
  user: Schema.String.annotate({ description: "The username; an empty one means the guests" }),
  client: Text,
  session: Text
}

const Command = Schema.Record(Schema.String, Schema.Unknown)

/** What each method asks. What newer versions add is not looked at. */
export const requests = {
  publish: Schema.Struct({ channel: RoomName, ...Publication }),
  broadcast: Schema.Struct({
    channels: Schema.Array(RoomName).check(Schema.isMinLength(1), Schema.isMaxLength(maxAtOnce)),
    ...Publication
  }),
  history: Schema.Struct({
    channel: RoomName,
    limit: Schema.optionalKey(Schema.Int),
    since: Schema.optionalKey(Schema.Struct({ offset: Schema.optionalKey(Seq), epoch: Text })),
    reverse: Schema.optionalKey(Schema.Boolean)
  }),
  presence: Schema.Struct({ channel: RoomName }),
  presence_stats: Schema.Struct({ channel: RoomName }),
  disconnect: Schema.Struct({
    ...Whose,
    whitelist: Schema.optionalKey(Schema.Array(Schema.String)),
    disconnect: Schema.optionalKey(Schema.Struct({ code: ApplicationCode, reason: Schema.optionalKey(CloseReason) }))
  }),
  unsubscribe: Schema.Struct({
    ...Whose,
    channel: Schema.optionalKey(
      Schema.Union([RoomName, Schema.Literal("")]).annotate({ description: "Without it every room" })
    )
  }),
  channels: Schema.Struct({
    pattern: Schema.optionalKey(
      Schema.String.check(Schema.isMaxLength(128)).annotate({ description: "`*` is any text, `?` any sign" })
    )
  }),
  info: Schema.Record(Schema.String, Schema.Unknown),
  batch: Schema.Struct({
    commands: Schema.Array(Command)
      .check(Schema.isMaxLength(maxAtOnce))
      .annotate({ description: "Each `{<method>: <its request>}`; one that is wrong has its own error" }),
    parallel: Schema.optionalKey(Schema.Boolean)
  })
}
export type Requests = { readonly [M in keyof typeof requests]: (typeof requests)[M]["Type"] }
export type ServerMethod = keyof Requests

export const ServerError = Schema.Struct({ code: Schema.Int, message: Schema.String })
export type ServerError = typeof ServerError.Type

const Failed = Schema.Struct({ error: ServerError })

const replyOf = <S extends Schema.Top>(result: S) => Schema.Union([Schema.Struct({ result }), Failed])

const Nothing = Schema.Record(Schema.String, Schema.Never)

const Position = Schema.Struct({ offset: Schema.Int, epoch: Schema.String })

const ClientInfo = Schema.Struct({
  user: Schema.String,
  client: Schema.String,
  conn_info: Schema.optionalKey(Schema.Unknown)
})

const Node = Schema.Struct({
  uid: Schema.String,
  name: Schema.String,
  version: Schema.String,
  num_clients: Schema.Int,
  num_users: Schema.Int,
  num_channels: Schema.Int,
  num_subs: Schema.Int,
  uptime: Schema.Int.annotate({ description: "Seconds" })
})

/** What each method answers, with HTTP 200. */
export const replies = {
  publish: replyOf(Position),
  broadcast: replyOf(Schema.Struct({ responses: Schema.Array(replyOf(Position)) })),
  history: replyOf(
    Schema.Struct({
      publications: Schema.Array(
        Schema.Struct({ data: Schema.Unknown, info: Schema.optionalKey(ClientInfo), offset: Schema.Int })
      ),
      ...Position.fields
    })
  ),
  presence: replyOf(Schema.Struct({ presence: Schema.Record(Schema.String, ClientInfo) })),
  presence_stats: replyOf(Schema.Struct({ num_clients: Schema.Int, num_users: Schema.Int })),
  disconnect: replyOf(Nothing),
  unsubscribe: replyOf(Nothing),
  channels: replyOf(
    Schema.Struct({ channels: Schema.Record(Schema.String, Schema.Struct({ num_clients: Schema.Int })) })
  ),
  info: replyOf(Schema.Struct({ nodes: Schema.Array(Node) })),
  batch: Schema.Union([Schema.Struct({ replies: Schema.Array(Command) }), Failed])
} satisfies Record<ServerMethod, Schema.Top>
