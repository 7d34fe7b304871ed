import { Effect } from "effect"
import type { Tracer } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { Tracing } from "../observability/Tracing.ts"
import { parentOf, traceParentOf } from "./TraceParent.ts"

/** The transaction of one request. */
export interface RequestTrace {
  readonly span: Tracer.Span
  /** What is a span inside is a child of it. */
  readonly around: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** A status of 500 and more is a failure. */
  readonly end: (status: number) => void
}

/** Its cause is recorded on the span that failed first. */
class RequestFailed extends Error {
  readonly _tag = "RequestFailed"
}

/** Goes on with the caller's trace (`traceparent`) where he sampled it, else begins one as often as `TRACE_REQUESTS` allows; `undefined`: not this one. */
export const beginTrace = (
  tracing: Tracing,
  { headers, method }: HttpServerRequest,
  path: string,
  route: string | undefined
): RequestTrace | undefined => {
  const caller = traceParentOf(headers["traceparent"])
  if (caller?.sampled !== true && !tracing.takeRequest()) return undefined
  const span = tracing.begin(`${method} ${route ?? "unmatched"}`, {
    kind: "server",
    parent: caller === undefined ? undefined : parentOf(caller),
    attributes: {
      "http.request.method": method,
      "http.route": route ?? "unmatched",
      "url.scheme": "http",
      "url.path": path,
      "url.full": path
    }
  })
  return {
    span,
    around: (effect) => Effect.withParentSpan(effect, span),
    end: (status) => {
      span.attribute("http.response.status_code", status)
      tracing.end(span, status >= 500 ? new RequestFailed(`answered with ${status}`) : undefined)
    }
  }
}

/** A failure that was not traced leaves its transaction all the same, without what was inside. */
export const traceFailure = (
  tracing: Tracing,
  { method }: HttpServerRequest,
  path: string,
  route: string | undefined,
  status: number,
  millis: number
): void => {
  const at = tracing.now() - BigInt(Math.round(millis * 1e6))
  const span = tracing.begin(`${method} ${route ?? "unmatched"}`, {
    kind: "server",
    at,
    attributes: {
      "http.request.method": method,
      "http.route": route ?? "unmatched",
      "url.scheme": "http",
      "url.path": path,
      "url.full": path,
      "http.response.status_code": status
    }
  })
  tracing.end(span, new Error(`the request was answered with ${status}`))
}
