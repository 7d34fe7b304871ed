import { Effect, Layer, Redacted, Schema } from "effect"
import { randomUUID } from "node:crypto"
import { STATUS_CODES } from "node:http"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { EngineStats } from "../../domain/EngineStats.ts"
import { Limits } from "../../domain/Limits.ts"
import { defaultRoom, RoomName, Seq } from "../../domain/Room.ts"
import { describeIssues } from "../schema/Issues.ts"
import { HttpServers } from "../http/HttpServers.ts"
import { lastReply } from "../http/LastReply.ts"
import { jittered, Overload } from "../http/Overload.ts"
import { traceParentOf } from "../http/TraceParent.ts"
import type { TraceParent } from "../http/TraceParent.ts"
import { crowdLog } from "../observability/CrowdLog.ts"
import { ChatSockets } from "./ChatSockets.ts"
import { inGroups } from "./InGroups.ts"
import { jsonCodec } from "./centrifuge/JsonCodec.ts"
import { protobufCodec } from "./centrifuge/ProtobufCodec.ts"
import type { Opening } from "./Engine.ts"
import { makeAcceptor } from "./WebSocketTransport.ts"

/** A handshake that is refused: an RFC 9457 problem. */
export interface Refusal {
  readonly status: number
  readonly title: string
  readonly detail: string
  /** `Retry-After`, seconds. */
  readonly retryAfter?: number
}

export interface UpgradesOptions {
  /** Whether this Host and Origin may come in: the refusal if not. */
  readonly guard: (headers: {
    readonly host: string | undefined
    readonly origin: string | undefined
  }) => Refusal | undefined
  /** The client's address as limits key it. */
  readonly address: (remoteAddress: string | undefined, headers: IncomingMessage["headers"]) => string
}

export const classicPath = "/message/v1/send"
export const centrifugePath = "/connection/websocket"
const maxHistory = 1_000

const integer = (maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum }))

/** What the classic wire's URL may say. */
export const ClassicQuery = Schema.Struct({
  room: Schema.optionalKey(RoomName),
  since: Schema.optionalKey(integer(Number.MAX_SAFE_INTEGER).pipe(Schema.decodeTo(Seq))),
  epoch: Schema.optionalKey(Schema.NonEmptyString),
  history: Schema.optionalKey(integer(maxHistory))
})
const decodeQuery = Schema.decodeUnknownExit(ClassicQuery, { errors: "all" })

type Asked = Omit<Opening, "address" | "token" | "roomToken">

const badQuery = (detail: string): Refusal => ({ status: 400, title: "The query is not valid", detail })

const askedOf = (queryText: string): Asked | Refusal => {
  const parameters = new URLSearchParams(queryText)
  const known: Record<string, string> = {}
  for (const name of ["room", "since", "epoch", "history"]) {
    const value = parameters.get(name)
    if (value !== null) known[name] = value
  }
  if (parameters.has("since") && parameters.has("history")) return badQuery("since and history exclude each other")
  const query = decodeQuery(known)
  if (query._tag === "Failure") return badQuery(describeIssues(query))
  const { epoch, history, room, since } = query.value
  return { room: room ?? defaultRoom, since, epoch, history }
}

/** A crowd that comes back asks for the same few things: so many answers to queries of so many characters are kept, then forgotten together. */
const keptQueries = 1_000
const keptQueryLength = 200

const makeAskedOf = (): ((queryText: string) => Asked | Refusal) => {
  const kept = new Map<string, Asked | Refusal>()
  return (queryText) => {
    const known = kept.get(queryText)
    if (known !== undefined) return known
    const asked = askedOf(queryText)
    if (queryText.length <= keptQueryLength) {
      if (kept.size >= keptQueries) kept.clear()
      kept.set(queryText, asked)
    }
    return asked
  }
}

/** Path and query of a request's target. Almost always it begins with the path; a proxy may send a whole URL. */
const targetOf = (url: string): { readonly path: string; readonly query: string } => {
  if (url.startsWith("/")) {
    const end = url.indexOf("?")
    return end < 0 ? { path: url, query: "" } : { path: url.slice(0, end), query: url.slice(end) }
  }
  const parsed = URL.parse(url)
  return { path: parsed?.pathname ?? "", query: parsed?.search ?? "" }
}

/** From `Authorization: Bearer`, or the subprotocol pair `bearer, <token>`; never from the URL. */
const tokenOf = ({ headers }: IncomingMessage): Redacted.Redacted<string> | undefined => {
  if (headers.authorization === undefined) return afterProtocol(headers, "bearer")
  const [scheme, credential] = headers.authorization.split(" ", 2)
  if (scheme?.toLowerCase() === "bearer" && credential !== undefined) return Redacted.make(credential)
  return afterProtocol(headers, "bearer")
}

/** A subscription token: from `X-Room-Token`, or the subprotocol pair `room-token, <token>`. */
const roomTokenOf = ({ headers }: IncomingMessage): Redacted.Redacted<string> | undefined => {
  const header = headers["x-room-token"]
  return typeof header === "string" ? Redacted.make(header) : afterProtocol(headers, "room-token")
}

const afterProtocol = (
  headers: IncomingMessage["headers"],
  protocol: string
): Redacted.Redacted<string> | undefined => {
  const asked = headers["sec-websocket-protocol"]
  if (asked === undefined) return undefined
  const protocols = asked.split(",", 4).map((name) => name.trim())
  const at = protocols.indexOf(protocol)
  const token = at < 0 ? undefined : protocols[at + 1]
  return token === undefined ? undefined : Redacted.make(token)
}

/** By which a refusal is found in the log, as every problem of ours. */
interface Named {
  readonly requestId: string
  readonly traceId: string
}

const nameOf = (caller: TraceParent | undefined): Named => {
  const requestId = randomUUID()
  return { requestId, traceId: caller?.traceId ?? requestId.replaceAll("-", "") }
}

const refuse = (
  socket: Duplex,
  { detail, retryAfter, status, title }: Refusal,
  { requestId, traceId }: Named
): void => {
  const body = JSON.stringify({ type: "about:blank", title, status, detail, instance: requestId, trace_id: traceId })
  const retry = retryAfter === undefined ? "" : `Retry-After: ${retryAfter}\r\n`
  lastReply(
    socket,
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${retry}\r\n${body}`
  )
}

interface Handshake {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came behind the request. */
  readonly head: Buffer
}

/** Handshakes that wait for others at most. */
const handshakesAtOnce = 32

/** No closure: it stays as long as the socket, and would hold on to the handshake. */
function destroyIt(this: Duplex): void {
  this.destroy()
}

/** Those who are sent away together come back each at another time. */
const away = (detail: string): Refusal => ({
  status: 503,
  title: "Not available at the moment",
  detail,
  retryAfter: jittered(Math.random())
})

/** Takes the WebSocket handshakes of both servers. What can be refused without a look at a store is refused here, by HTTP. */
export const layer = (options: UpgradesOptions) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const servers = yield* HttpServers
      const sockets = yield* ChatSockets
      const stats = yield* EngineStats
      const limits = yield* Limits
      const overload = yield* Overload
      const log = yield* crowdLog
      const acceptor = makeAcceptor()
      const asked = makeAskedOf()

      const judge = (request: IncomingMessage, address: string): Asked | "centrifuge" | Refusal => {
        const { path, query } = targetOf(request.url ?? "")
        if (path !== classicPath && path !== centrifugePath) {
          const detail = `WebSockets are served at ${classicPath} and ${centrifugePath}`
          return { status: 404, title: "Not found", detail }
        }
        const { host, origin } = request.headers
        const refusal = options.guard({ host, origin })
        if (refusal !== undefined) return refusal
        const admits = sockets.admits(address)
        if (admits === "draining") return away("The server is restarting.")
        if (admits === "too many of this address") {
          limits.hit("sockets_of_address", address)
          const detail = "This address holds as many sockets as it may."
          return { status: 429, title: "Too many sockets", detail, retryAfter: jittered(Math.random()) }
        }
        if (overload.isOverloaded()) {
          limits.hit("overload", address)
          return away("The server has as much to do as it can.")
        }
        return path === classicPath ? asked(query) : "centrifuge"
      }

      const take = ({ head, request, socket }: Handshake): void => {
        if (socket.destroyed) return
        const address = options.address(request.socket.remoteAddress, request.headers)
        const judged = judge(request, address)
        const { traceparent } = request.headers
        const caller = typeof traceparent === "string" ? traceParentOf(traceparent) : undefined
        if (judged === "centrifuge") {
          const newcomer = { address, caller, token: tokenOf(request) }
          acceptor.accept(request, socket, head, (transport) => {
            const codec = transport.protocol === "centrifuge-protobuf" ? protobufCodec : jsonCodec
            transport.listen(sockets.acceptCentrifuge(transport, { ...newcomer, codec }))
          })
          return
        }
        if ("status" in judged) {
          stats.socketsRefused += 1
          const named = nameOf(caller)
          const { path } = targetOf(request.url ?? "")
          log("info", "request", { ...named, method: request.method, path, status: judged.status, address })
          return refuse(socket, judged, named)
        }
        const { epoch, history, room, since } = judged
        const tokens = { token: tokenOf(request), roomToken: roomTokenOf(request) }
        const opening: Opening = { room, since, epoch, history, address, caller, ...tokens }
        acceptor.accept(request, socket, head, (transport) => {
          transport.listen(sockets.acceptClassic(transport, opening))
        })
      }

      const gather = inGroups(handshakesAtOnce, take)
      const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
        // Without a listener a peer that goes away now would end the process.
        socket.on("error", destroyIt)
        gather({ request, socket, head })
      }

      const both = new Set([servers.api, servers.socket])
      for (const server of both) server.on("upgrade", onUpgrade)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          for (const server of both) server.off("upgrade", onUpgrade)
        })
      )
    })
  )
