// Hot path: what a crowd asks for when it comes back. No fiber, no decoder, no store: everything it needs is in memory.
import { Effect } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { crowdLog } from "../observability/CrowdLog.ts"
import { defaultRoom } from "../../domain/Room.ts"
import { mayEnter } from "../../domain/RoomAccess.ts"
import { RoomRegistry } from "../../domain/RoomRegistry.ts"
import { Sessions } from "../../domain/Sessions.ts"
import { Journal } from "../../ports/Journal.ts"
import { RateLimiter } from "../../ports/RateLimiter.ts"
import { CurrentTracing } from "../observability/Tracing.ts"
import { defaultHistory } from "./Api.ts"
import { rateLimitHeaders, rateLimitOf } from "./ApiRateLimit.ts"
import type { ApiRateLimitOptions } from "./ApiRateLimit.ts"
import { lineOf } from "./Edge.ts"
import { forwardingOf } from "./ClientAddress.ts"
import type { Gate } from "./Gate.ts"
import { makeNewestPages } from "./HistoryPage.ts"
import { historyHeaders } from "./MessageRoutes.ts"
import { RequestDurations } from "./RequestDurations.ts"

const path = "/api/message/v1/history"

/** The name of the room whose newest page is asked for, as it was written; `undefined`: something else is asked, or more. */
const roomAsked = (url: string): string | undefined => {
  if (url === path) return defaultRoom
  const [, name] = /^\/api\/message\/v1\/history\?room=([^&%+#]+)$/.exec(url) ?? []
  return name
}

/** From `Authorization: Bearer <token>`. */
const tokenOf = ({ authorization = "" }: IncomingMessage["headers"]): string | undefined =>
  authorization.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : undefined

/**
 * Answers a request for the newest page of a room that is in memory, from somebody who was let in a moment ago. Whatever is not that plain,
 * refusals among it, is `otherwise`'s: the same reply comes from there, only later.
 */
export const make = Effect.fnUntraced(function* (options: ApiRateLimitOptions, gate: Gate) {
  const registry = yield* RoomRegistry
  const sessions = yield* Sessions
  const limiter = yield* RateLimiter
  const durations = yield* RequestDurations
  const tracing = yield* CurrentTracing
  const { epoch } = yield* Journal
  const fork = Effect.runForkWith(yield* Effect.context<never>())

  const newestPage = makeNewestPages(defaultHistory)

  const log = yield* crowdLog

  const find = ({ headers, method, url = "" }: IncomingMessage) => {
    const name = method === "GET" ? roomAsked(url) : undefined
    const token = tokenOf(headers)
    if (name === undefined || token === undefined || headers["content-length"] !== undefined) return undefined
    if (!gate.servesHost(headers.host) || !gate.originVerdict(headers.origin, headers.host).accepted) return undefined
    const principal = sessions.recent(token)
    const room = registry.inMemory(name)
    if (principal === undefined || room === undefined || !mayEnter(principal, room.name)) return undefined
    return newestPage(room)
  }

  return (request: IncomingMessage, response: ServerResponse, otherwise: () => void): void => {
    const began = performance.now()
    const page = find(request)
    if (page === undefined) return otherwise()
    // What is traced takes the long way, where the spans are.
    if (tracing !== undefined && (tracing.wantsRequest || request.headers["traceparent"] !== undefined)) {
      return otherwise()
    }
    const { headers, socket } = request
    const { traceparent } = headers
    const caller = typeof traceparent === "string" ? traceparent : undefined
    const visit = gate.visitOf(socket.remoteAddress, forwardingOf(headers), caller)

    const answer = (limited: Record<string, string>): void => {
      const own = { ...historyHeaders(epoch, page.link), "content-type": "application/json" }
      response.writeHead(200, {
        ...gate.headersOf({ status: 200, headers: own }, visit, path, headers.origin),
        ...limited,
        "content-length": page.body.length
      })
      response.end(page.body)
      const millis = performance.now() - began
      durations.observe("GET", path, 200, millis / 1000)
      log("info", "request", lineOf(visit, "GET", path, 200, millis))
    }

    const limit = rateLimitOf(options, path, visit.clientKey)
    if (limit === undefined) return answer({})
    fork(
      Effect.map(limiter.consume(limit), (decision) =>
        decision.allowed ? answer(rateLimitHeaders(limit, decision)) : otherwise()
      )
    )
  }
})
