// Centrifugo's client protocol, version 2 (centrifugal/protocol, definitions/client.proto): what clients send, and what they are answered. Values are the JSON wire's; the
// protobuf wire carries the same ones.
// oxlint-disable-next-line import/no-unassigned-import
import "effect/schema/SchemaJITCompiler/enable"
import { Exit, Schema } from "effect"
import type { Json } from "effect/Schema"
import type { Rejection } from "../../../domain/Rejection.ts"
import { describeIssues } from "../../schema/Issues.ts"

const Text = Schema.optionalKey(Schema.String)
const Flag = Schema.optionalKey(Schema.Boolean)
const Offset = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Data = Schema.Unknown
const Channel = { channel: Schema.String }

/** What each command brings. What newer clients add is not looked at. */
export const requests = {
  connect: Schema.Struct({ token: Text, data: Schema.optionalKey(Data), name: Text, version: Text }),
  subscribe: Schema.Struct({
    ...Channel,
    token: Text,
    recover: Flag,
    epoch: Text,
    offset: Schema.optionalKey(Offset),
    join_leave: Flag
  }),
  unsubscribe: Schema.Struct(Channel),
  publish: Schema.Struct({ ...Channel, data: Data }),
  presence: Schema.Struct(Channel),
  presence_stats: Schema.Struct(Channel),
  history: Schema.Struct({
    ...Channel,
    limit: Schema.optionalKey(Schema.Int),
    since: Schema.optionalKey(Schema.Struct({ offset: Schema.optionalKey(Offset), epoch: Text })),
    reverse: Flag
  }),
  ping: Schema.Struct({}),
  send: Schema.Struct({ data: Schema.optionalKey(Data) }),
  rpc: Schema.Struct({ method: Text, data: Schema.optionalKey(Data) }),
  refresh: Schema.Struct({ token: Schema.String }),
  sub_refresh: Schema.Struct({ ...Channel, token: Schema.String })
}
export type Requests = { readonly [M in keyof typeof requests]: (typeof requests)[M]["Type"] }
export type Method = keyof typeof requests

/** An error's code; `temporary`: the same command may succeed later. */
export interface WireError {
  readonly code: number
  readonly message: string
  readonly temporary?: true
}

export const internal: WireError = { code: 100, message: "internal server error", temporary: true }
export const unauthorized: WireError = { code: 101, message: "unauthorized" }
export const permissionDenied: WireError = { code: 103, message: "permission denied" }
export const methodNotFound: WireError = { code: 104, message: "method not found" }
export const alreadySubscribed: WireError = { code: 105, message: "already subscribed" }
export const limitExceeded: WireError = { code: 106, message: "limit exceeded" }
export const notAvailable: WireError = { code: 108, message: "not available" }
export const tokenExpired: WireError = { code: 109, message: "token expired" }
export const unrecoverable: WireError = { code: 112, message: "unrecoverable position" }

export const badRequest = (detail: string): WireError => ({ code: 107, message: `bad request: ${detail}` })

/** Codes of our own start at 400. */
const rejectionCodes: Partial<Record<Rejection["code"], number>> = {
  id_conflict: 409,
  name_taken: 410,
  name_reserved: 411,
  rate_limited: 111,
  session_ended: 101,
  forbidden: 103
}

export const errorOf = ({ code, message, retryable }: Rejection): WireError => {
  const number = rejectionCodes[code] ?? 100
  return retryable ? { code: number, message, temporary: true } : { code: number, message }
}

export interface ClientInfo {
  readonly user: string
  readonly client: string
  readonly conn_info?: Json
}

/** A reply or a push as a value; `{}` is a ping. Publications in it are made by the codec. */
export type Outgoing = Readonly<Record<string, unknown>>

export type Command =
  | { readonly _tag: "Pong" }
  /** Nothing that can be answered: the socket ends. */
  | { readonly _tag: "Garbage"; readonly detail: string }
  | { readonly _tag: "Wrong"; readonly id: number; readonly error: WireError }
  | { readonly _tag: "Command"; readonly id: number; readonly request: Request }

export type Request = { readonly [M in Method]: { readonly method: M; readonly params: Requests[M] } }[Method]

type Reader = (params: unknown) => Request | string

const readerOf = <M extends Method>(
  method: M,
  schema: Schema.Codec<Requests[M], unknown>,
  request: (params: Requests[M]) => Request
): readonly [Method, Reader] => {
  const decode = Schema.decodeUnknownExit(schema)
  return [
    method,
    (params) => {
      const decoded = decode(params)
      return Exit.isSuccess(decoded) ? request(decoded.value) : describeIssues(decoded)
    }
  ]
}

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  readerOf("connect", requests.connect, (params) => ({ method: "connect", params })),
  readerOf("subscribe", requests.subscribe, (params) => ({ method: "subscribe", params })),
  readerOf("unsubscribe", requests.unsubscribe, (params) => ({ method: "unsubscribe", params })),
  readerOf("publish", requests.publish, (params) => ({ method: "publish", params })),
  readerOf("presence", requests.presence, (params) => ({ method: "presence", params })),
  readerOf("presence_stats", requests.presence_stats, (params) => ({ method: "presence_stats", params })),
  readerOf("history", requests.history, (params) => ({ method: "history", params })),
  readerOf("ping", requests.ping, (params) => ({ method: "ping", params })),
  readerOf("send", requests.send, (params) => ({ method: "send", params })),
  readerOf("rpc", requests.rpc, (params) => ({ method: "rpc", params })),
  readerOf("refresh", requests.refresh, (params) => ({ method: "refresh", params })),
  readerOf("sub_refresh", requests.sub_refresh, (params) => ({ method: "sub_refresh", params }))
])

const maxId = 4_294_967_295

/** Total: whatever the value is, a command, a pong, an error to answer, or the socket's end. Hot path: called once a publication. */
export const commandOf = (value: unknown): Command => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { _tag: "Garbage", detail: "a command is a JSON object" }
  }
  const { id = 0 }: { readonly id?: unknown } = value
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > maxId) {
    return { _tag: "Garbage", detail: "a command's id is a whole number" }
  }
  const [method, ...others] = Object.keys(value).filter((name) => name !== "id")
  if (method === undefined) {
    return id === 0 ? { _tag: "Pong" } : { _tag: "Wrong", id, error: badRequest("the command has no method") }
  }
  if (id === 0 && method !== "send") return { _tag: "Garbage", detail: "a command that wants an answer has an id" }
  if (others.length > 0) return { _tag: "Wrong", id, error: badRequest("a command has one method") }
  const reader = readers.get(method)
  if (reader === undefined) return { _tag: "Wrong", id, error: methodNotFound }
  const request = reader(Reflect.get(value, method))
  return typeof request === "string"
    ? { _tag: "Wrong", id, error: badRequest(request) }
    : { _tag: "Command", id, request }
}
