import { Context } from "effect"

/** What is known of the request at hand before any route sees it. */
export interface Visit {
  /** The request's id: `X-Request-Id`, `instance` of problems, `requestId` of log lines. */
  readonly id: string
  /** Who limits count: see `ClientAddress`. */
  readonly clientKey: string
  /** The browser's connection is encrypted: a trusted proxy says so. */
  readonly secure: boolean
}

export const CurrentVisit = Context.Reference<Visit>("parley/adapters/http/Visit", {
  defaultValue: () => ({ id: "none", clientKey: "unknown", secure: false })
})
