import { ByteSize, Cause, Effect, Option } from "effect"
import * as HttpServerError from "effect/http/HttpServerError"
import { HttpServerRequest, MaxBodySize } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Limits } from "../../domain/Limits.ts"
import { RateLimiter } from "../../ports/RateLimiter.ts"
import type { AccessOptions } from "./AccessOptions.ts"
import { rateLimitHeaders, rateLimitOf } from "./ApiRateLimit.ts"
import type { ApiRateLimitOptions } from "./ApiRateLimit.ts"
import { forwardingOf } from "./ClientAddress.ts"
import type { Gate } from "./Gate.ts"
import type { OriginVerdict } from "./OriginPolicy.ts"
import { secondsOf } from "./ApiProblems.ts"
import { crowdLog } from "../observability/CrowdLog.ts"
import type { CrowdLevel, PlainFields } from "../observability/CrowdLog.ts"
import { CurrentTracing } from "../observability/Tracing.ts"
import { asProblem, problemResponse } from "./Problem.ts"
import { preflightHeaders } from "./ReplyHeaders.ts"
import { RequestDurations } from "./RequestDurations.ts"
import { beginTrace, traceFailure } from "./RequestTrace.ts"
import { RouteTable } from "./RouteTable.ts"
import { isServerApiPath } from "./ServerApiPaths.ts"
import type { ServerApiOptions } from "./ServerApiPaths.ts"
import { CurrentVisit } from "./Visit.ts"
import type { Visit } from "./Visit.ts"

export interface EdgeOptions extends AccessOptions, ApiRateLimitOptions {}

type Response = HttpServerResponse.HttpServerResponse

/** A request's body is read up to here, then it is 413. */
const maxBodyBytes = 64 * 1024
/** The same for the server API, whose batches hold many publications. What has no key is not read. */
const maxServerBodyBytes = 1_048_576

export const maxBodyBytesOf = (options: ServerApiOptions, path: string): number =>
  isServerApiPath(options, path) ? maxServerBodyBytes : maxBodyBytes

/** Probes name us by address, and there is nothing in the reply. */
const probes = new Set(["/healthz", "/readyz"])

/** Asked for all day by machines. */
const quiet = new Set([...probes, "/metrics"])

/** A URL's path, without the query that may hold anything. */
export const pathOf = (url: string): string => url.split(/[?#;]/, 1)[0] ?? url

/**
 * What a failed route answers. Failures that nobody foresaw are logged here, with their cause, and answered as 500 without it.
 */
const replyToFailure = (cause: Cause.Cause<unknown>): Effect.Effect<Response> =>
  Effect.flatMap(HttpServerError.causeResponse(cause), ([response]) =>
    response.status === 500 ? Effect.as(Effect.logError("a request failed", cause), response) : Effect.succeed(response)
  )

/** What a request's one log line says. */
export const lineOf = (visit: Visit, method: string, path: string, status: number, millis: number): PlainFields => ({
  requestId: visit.id,
  traceId: visit.traceId,
  method,
  path,
  status,
  millis: Math.round(millis)
})

const levelOf = (path: string, status: number): CrowdLevel =>
  status >= 500 ? "warn" : quiet.has(path) ? "debug" : "info"

/**
 * Everything that is the same for every request, around the routes: its id, whose it is, the limit of `/api/*`, `Host` and `Origin`, the body's
 * limit, errors as problems, headers, and its one log line (without query, tokens or bodies). Never fails.
 */
export const make = Effect.fnUntraced(function* (options: EdgeOptions, gate: Gate) {
  const limiter = yield* RateLimiter
  const routes = yield* RouteTable
  const limits = yield* Limits
  const durations = yield* RequestDurations
  const traces = yield* CurrentTracing
  const log = yield* crowdLog

  /** Who is refused before any route is looked at; `undefined` lets in. */
  const refusal = (
    request: HttpServerRequest,
    path: string,
    origin: OriginVerdict
  ): Effect.Effect<Response> | undefined => {
    const { host } = request.headers
    if (!probes.has(path) && !gate.servesHost(host)) {
      return Effect.as(
        Effect.logWarning(`refused the host ${JSON.stringify(host?.slice(0, 200))}: ALLOWED_HOSTS does not name it`),
        problemResponse(421)
      )
    }
    if (!origin.accepted) return Effect.as(Effect.logWarning(origin.reason), problemResponse(403))
    return Number(request.headers["content-length"] ?? 0) > maxBodyBytesOf(options, path)
      ? Effect.succeed(problemResponse(413))
      : undefined
  }

  /** The reply to a method that the path does not have, `OPTIONS` and 404 among them; `undefined`: a route has it. */
  const offTheMap = (method: string, path: string): Response | undefined => {
    // No path of ours has an escape in it: decoding could only make one path of two.
    const found = path.includes("%") ? [] : routes.methodsOf(path)
    if (found.length === 0) return problemResponse(404)
    if (found.includes(method)) return undefined
    const allow = [...found, "OPTIONS"].join(", ")
    return method === "OPTIONS"
      ? HttpServerResponse.empty({ status: 204, headers: { allow, ...preflightHeaders(allow) } })
      : HttpServerResponse.setHeader(problemResponse(405), "allow", allow)
  }

  return <E, R>(app: Effect.Effect<Response, E, R>): Effect.Effect<Response, never, R | HttpServerRequest> => {
    const routed = (path: string) =>
      app.pipe(
        Effect.provideService(MaxBodySize, ByteSize.bytes(maxBodyBytesOf(options, path))),
        Effect.catchCause(replyToFailure)
      )
    return Effect.gen(function* () {
      const request = yield* HttpServerRequest
      const began = performance.now()
      const path = pathOf(request.url)
      const { headers } = request
      const visited = gate.visitOf(
        Option.getOrUndefined(request.remoteAddress),
        forwardingOf(headers),
        headers["traceparent"]
      )
      const { host, origin } = headers
      const verdict = gate.originVerdict(origin, host)

      const route = routes.routeOf(request.method, path)
      const trace = traces === undefined ? undefined : beginTrace(traces, request, path, route)
      const visit = trace === undefined ? visited : { ...visited, traceId: trace.span.traceId }

      const answer = Effect.gen(function* () {
        // A preflight asks on behalf of the request that will count.
        const limit = request.method === "OPTIONS" ? undefined : rateLimitOf(options, path, visit.clientKey)
        const decision = limit === undefined ? undefined : yield* limiter.consume(limit)
        if (decision?.allowed === false) limits.hit(limit?.name === "api" ? "api" : "server_api", visit.clientKey)
        const response =
          decision?.allowed === false
            ? problemResponse(429, { retry_after: secondsOf(decision.resetMillis) })
            : yield* (
                refusal(request, path, verdict) ??
                  Effect.suspend(() => {
                    const beside = offTheMap(request.method, path)
                    return beside === undefined ? routed(path) : Effect.succeed(beside)
                  })
              )
        const reply = response.status >= 400 ? asProblem(response, visit) : response
        const sent = HttpServerResponse.setHeaders(reply, {
          ...gate.headersOf(reply, visit, path, verdict.accepted ? origin : undefined),
          ...(limit === undefined || decision === undefined ? {} : rateLimitHeaders(limit, decision))
        })
        if (sent.status === 413) limits.hit("large_bodies", visit.clientKey)
        const millis = performance.now() - began
        durations.observe(request.method, route, sent.status, millis / 1000)
        if (trace !== undefined) trace.end(sent.status)
        else if (traces !== undefined && sent.status >= 500) {
          traceFailure(traces, request, path, route, sent.status, millis)
        }
        log(levelOf(path, sent.status), "request", lineOf(visit, request.method, path, sent.status, millis))
        return sent
      })
      // What is not traced makes no span either.
      return yield* (trace === undefined ? Effect.withTracerEnabled(answer, false) : trace.around(answer)).pipe(
        Effect.provideService(CurrentVisit, visit),
        Effect.annotateLogs({ requestId: visit.id, traceId: visit.traceId })
      )
    })
  }
})
