import { JsonSchema, Schema } from "effect"
import { classicMessages } from "./classic/ClassicMessages.ts"
import { protocolMessages } from "./centrifuge/ProtocolMessages.ts"
import type { DocumentedMessage } from "./DocumentedMessage.ts"
import { centrifugePath, classicPath, ClassicQuery } from "./Upgrades.ts"

/** AsyncAPI's payloads are draft 07. No message is recursive: what is shared is written where it stands. */
const payloadOf = (schema: Schema.Codec<unknown, unknown>): object =>
  JsonSchema.toDocumentDraft07(Schema.toJsonSchemaDocument(schema, { referencePolicy: () => undefined })).schema

const messageOf = ({ examples, schema, summary }: DocumentedMessage): object => ({
  summary,
  contentType: "application/json",
  payload: payloadOf(schema),
  examples: examples.map((payload) => ({ payload }))
})

const channelOf = (address: string, description: string, messages: ReadonlyArray<DocumentedMessage>): object => ({
  address,
  description,
  messages: Object.fromEntries(messages.map((message) => [message.name, messageOf(message)]))
})

/** What the server takes is `receive`, with what it is answered; what it sends by itself is `send`. */
const operationsOf = (channel: string, messages: ReadonlyArray<DocumentedMessage>): ReadonlyArray<[string, object]> => {
  const refs = (names: ReadonlyArray<string>) =>
    names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }))
  const to = { $ref: `#/channels/${channel}` }
  return messages.flatMap(({ answers: replies = [], from, name, summary }): ReadonlyArray<[string, object]> => {
    if (from === "reply") return []
    const reply = replies.length === 0 ? {} : { reply: { channel: to, messages: refs(replies) } }
    const action = from === "client" ? "receive" : "send"
    return [[`${channel}_${name}`, { action, channel: to, summary, messages: refs([name]), ...reply }]]
  })
}

const classicChannel = (): object => ({
  ...channelOf(
    classicPath,
    "The seed's wire: one room a socket, a text frame of JSON a message. An access token comes as `Authorization: Bearer`, as the subprotocols `bearer, <token>`, or as a first frame; a token for a private room as `X-Room-Token` or as the subprotocols `room-token, <token>`.",
    classicMessages
  ),
  bindings: { ws: { query: payloadOf(ClassicQuery) } }
})

const centrifugeChannel = (): object =>
  channelOf(
    centrifugePath,
    "Centrifugo's client protocol, version 2: many rooms a socket. A text frame holds one or more JSON values, a line each; with the subprotocol `centrifuge-protobuf` a binary frame holds the same values in protobuf, each after its length.",
    protocolMessages
  )

/** Both wires, for programs: AsyncAPI 3.0, made of the schemas that frames and commands are decoded by. */
export const asyncApi = (): object => ({
  asyncapi: "3.0.0",
  info: {
    title: "Parley",
    version: "1",
    description:
      "Real-time chat over WebSocket, two wires on one log. Close codes 3500–3999 and 4500–4999 mean: do not connect again."
  },
  defaultContentType: "application/json",
  servers: {
    socket: {
      host: "{host}",
      protocol: "ws",
      variables: { host: { default: "localhost:8080", description: "Host name and `APP_PORT_SOCKET`, or `APP_PORT`" } }
    }
  },
  channels: { classic: classicChannel(), centrifuge: centrifugeChannel() },
  operations: Object.fromEntries([
    ...operationsOf("classic", classicMessages),
    ...operationsOf("centrifuge", protocolMessages)
  ])
})
