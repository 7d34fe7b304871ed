import { Clock, Context, Effect, Exit, Layer, Schema, Semaphore } from "effect"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { AuthorName } from "../../domain/AuthorName.ts"
import type { RoomName } from "../../domain/Room.ts"
import { Rooms } from "../../domain/Rooms.ts"
import type { RoomRejected } from "../../domain/Rooms.ts"
import { Journal } from "../../ports/Journal.ts"
import { MessageHistory } from "../../ports/MessageHistory.ts"
import { describeIssues } from "../schema/Issues.ts"
import { publishedOf } from "../ws/centrifuge/Data.ts"
import type { Published } from "../ws/centrifuge/Data.ts"
import { maxDataBytes } from "../ws/centrifuge/Limits.ts"
import { readHistory } from "../ws/centrifuge/Places.ts"
import * as Protocol from "../ws/centrifuge/Protocol.ts"
import { ChatSockets } from "../ws/ChatSockets.ts"
import { forced } from "../ws/CloseCode.ts"
import { matchesPattern } from "./ChannelPattern.ts"
import { maxAtOnce, maxChannelsTold, requests } from "./ServerApiSchema.ts"
import type { Requests, ServerError, ServerMethod } from "./ServerApiSchema.ts"

export type ServerReply = { readonly result: unknown } | { readonly error: ServerError }

/** Pages of history that backends read at once. */
const historyReaders = 8

/** Who speaks where data name nobody. */
const defaultName = "server"

/**
 * What a backend may ask, in Centrifugo's words. It is trusted: no limit of messages counts, and private rooms are open. What it publishes is a service's, never an account's or a guest's;
 * it is durable when the answer comes.
 */
export class ServerApi extends Context.Service<
  ServerApi,
  {
    /** Never fails: what is wrong with `params`, and what cannot be done, is the reply's error. A batch's reply has `replies` in the place of `result`. */
    readonly call: (
      method: ServerMethod,
      params: unknown
    ) => Effect.Effect<ServerReply | { readonly replies: ReadonlyArray<unknown> }>
  }
>()("parley/adapters/serverapi/ServerApi") {
  static readonly layer = (options: { readonly version: string }) => Layer.effect(ServerApi, make(options))
}

const failed = ({ code, message }: ServerError): { readonly error: ServerError } => ({ error: { code, message } })

const rejectionCodes: Readonly<Record<string, number>> = { id_conflict: 409, name_reserved: 411 }

const errorOf = ({ code, message }: RoomRejected): ServerError => ({ code: rejectionCodes[code] ?? 100, message })

const decodeName = Schema.decodeUnknownExit(AuthorName)

/** A publication as the log takes it, or why it cannot. */
const readPublication = ({
  data,
  idempotency_key: key = ""
}: Pick<Requests["publish"], "data" | "idempotency_key">): Published | ServerError => {
  const published = publishedOf(data)
  if (typeof published === "string") return Protocol.badRequest(published)
  if (Buffer.byteLength(JSON.stringify(published.payload)) > maxDataBytes) {
    return { code: 106, message: `limit exceeded: data has more than ${maxDataBytes} bytes` }
  }
  if (published.from !== undefined && Exit.isFailure(decodeName(published.from))) {
    return Protocol.badRequest("from in data: expected a name of 1–64 printable characters")
  }
  if (key === "") return published
  if (published.id !== undefined && published.id !== key) {
    return Protocol.badRequest("idempotency_key and the id in data differ: send one of them")
  }
  return { ...published, id: key }
}

type Single = (params: unknown) => Effect.Effect<ServerReply>

const single = <A>(
  schema: Schema.Codec<A, unknown>,
  run: (request: A) => ServerReply | Effect.Effect<ServerReply>
): Single => {
  const decode = Schema.decodeUnknownExit(schema, { errors: "all" })
  return (params) =>
    Effect.suspend(() => {
      const request = decode(params)
      if (Exit.isFailure(request)) return Effect.succeed(failed(Protocol.badRequest(describeIssues(request))))
      const reply = run(request.value)
      return Effect.isEffect(reply) ? reply : Effect.succeed(reply)
    })
}

const make = Effect.fnUntraced(function* ({ version }: { readonly version: string }) {
  const rooms = yield* Rooms
  const journal = yield* Journal
  const history = yield* MessageHistory
  const { control } = yield* ChatSockets
  const readers = yield* Semaphore.make(historyReaders)
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const uid = randomUUID()
  const name = `${hostname()}_${process.pid}`
  const { epoch } = journal

  const reading = { epoch, history, journal, paged: readers.withPermits(1) }

  const post = (room: RoomName, { from = defaultName, id, payload }: Published): Effect.Effect<ServerReply> =>
    rooms.publish({ room, from, payload, id }).pipe(
      Effect.map((offset) => ({ result: { offset, epoch } })),
      Effect.catch((rejected) => Effect.succeed(failed(errorOf(rejected))))
    )

  const publish = (request: Requests["publish"]): Effect.Effect<ServerReply> => {
    const read = readPublication(request)
    return "code" in read ? Effect.succeed(failed(read)) : post(request.channel, read)
  }

  const broadcast = (request: Requests["broadcast"]): Effect.Effect<ServerReply> => {
    const read = readPublication(request)
    if ("code" in read) return Effect.succeed(failed(read))
    // All of them before the first is answered: rooms share commits.
    return Effect.map(
      Effect.forEach(request.channels, (room) => post(room, read), { concurrency: maxAtOnce }),
      (responses) => ({ result: { responses } })
    )
  }

  const channels = ({ pattern = "" }: Requests["channels"]): ServerReply => {
    const told = Array.from(control.rooms()).filter(([room]) => pattern === "" || matchesPattern(pattern, room))
    if (told.length > maxChannelsTold) {
      return failed({
        code: 106,
        message: `limit exceeded: more than ${maxChannelsTold} channels: ask with a narrower pattern`
      })
    }
    return {
      result: { channels: Object.fromEntries(told.map(([room, sockets]) => [room, { num_clients: sockets }])) }
    }
  }

  const presence = ({ channel }: Requests["presence"]): ServerReply => {
    const members = control.presence.membersOf(channel)
    return members === undefined ? failed(Protocol.notAvailable) : { result: { presence: members } }
  }

  const disconnect = ({ disconnect: code, whitelist, ...whose }: Requests["disconnect"]): ServerReply => {
    control.disconnect(
      { ...named(whose), spared: whitelist },
      code === undefined ? forced : { code: code.code, reason: code.reason ?? "" }
    )
    return { result: {} }
  }

  const unsubscribe = ({ channel, ...whose }: Requests["unsubscribe"]): ServerReply => {
    control.unsubscribe(named(whose), channel === "" ? undefined : channel)
    return { result: {} }
  }

  const info = (): ServerReply => {
    const { rooms: channels, sockets, subscriptions, users } = control.figures()
    const uptime = Math.floor(Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9)
    const counts = { num_clients: sockets, num_users: users, num_channels: channels, num_subs: subscriptions }
    return { result: { nodes: [{ uid, name, version, ...counts, uptime }] } }
  }

  const batch = ({ commands, parallel = false }: Requests["batch"]) =>
    Effect.map(
      Effect.forEach(commands, batched, { concurrency: parallel ? maxAtOnce : 1 }),
      (replies): { readonly replies: ReadonlyArray<unknown> } => ({ replies })
    )

  const batched = (command: Readonly<Record<string, unknown>>): Effect.Effect<unknown> => {
    const [named, ...others] = Object.entries(command)
    if (named === undefined || others.length > 0) {
      return Effect.succeed(failed(Protocol.badRequest("a command has one method")))
    }
    const [method, params] = named
    const single = singles.get(method)
    if (single === undefined) return Effect.succeed(failed(Protocol.methodNotFound))
    return Effect.map(single(params), (reply) => ("error" in reply ? reply : { [method]: reply.result }))
  }

  const readPage = ({ channel, ...page }: Requests["history"]): Effect.Effect<ServerReply> =>
    Effect.map(
      Effect.suspend(() => readHistory(reading, channel, page)),
      (answer) => ("error" in answer ? failed(answer.error) : answer)
    )

  const singles: ReadonlyMap<string, Single> = new Map<Exclude<ServerMethod, "batch">, Single>([
    ["publish", single(requests.publish, publish)],
    ["broadcast", single(requests.broadcast, broadcast)],
    ["history", single(requests.history, readPage)],
    ["presence", single(requests.presence, presence)],
    [
      "presence_stats",
      single(requests.presence_stats, ({ channel }) => ({ result: { ...control.presence.figuresOf(channel) } }))
    ],
    ["disconnect", single(requests.disconnect, disconnect)],
    ["unsubscribe", single(requests.unsubscribe, unsubscribe)],
    ["channels", single(requests.channels, channels)],
    ["info", single(requests.info, info)]
  ])
  const decodeBatch = Schema.decodeUnknownExit(requests.batch, { errors: "all" })

  return ServerApi.of({
    call: (method, params) =>
      Effect.suspend((): Effect.Effect<ServerReply | { readonly replies: ReadonlyArray<unknown> }> => {
        const run = singles.get(method)
        if (run !== undefined) return run(params)
        const request = decodeBatch(params)
        return Exit.isSuccess(request)
          ? batch(request.value)
          : Effect.succeed(failed(Protocol.badRequest(describeIssues(request))))
      }).pipe(Effect.withSpan(`ServerApi.${method}`))
  })
})

/** Without what was left empty. */
const named = ({ client = "", session = "", user }: Pick<Requests["disconnect"], "client" | "session" | "user">) => ({
  user,
  client: client === "" ? undefined : client,
  session: session === "" ? undefined : session
})
