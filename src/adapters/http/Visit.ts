import { Context } from "effect"

/** What is known of the request at hand before any route sees it. */
export interface Visit {
  /** The request's id: `X-Request-Id`, `instance` of problems, `requestId` of log lines. */
  readonly id: string
  /** W3C: 32 hexadecimal digits. The caller's (`traceparent`), else that of our own trace; the request's id without its hyphens where there is none. */
  readonly traceId: string
  /** Who limits count: see `ClientAddress`. */
  readonly clientKey: string
  /** The browser's connection is encrypted: a trusted proxy says so. */
  readonly secure: boolean
}

export const CurrentVisit = Context.Reference<Visit>("parley/adapters/http/Visit", {
  defaultValue: () => ({ id: "none", traceId: "0".repeat(32), clientKey: "unknown", secure: false })
})
