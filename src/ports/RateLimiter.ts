import { Context } from "effect"
import type { Effect } from "effect"

export interface RateLimit {
  /** Which limit this is: `api`, `login` … Keys of different limits never meet. */
  readonly name: string
  readonly key: string
  /** So many a window. */
  readonly limit: number
  readonly windowMillis: number
}

export interface RateDecision {
  readonly allowed: boolean
  readonly remaining: number
  /** Milliseconds until the window ends: when not allowed, how long to wait. */
  readonly resetMillis: number
}

/**
 * Fixed windows, counted in this process. Memory is bounded: past a named number of keys the one whose window began first is
 * forgotten (its owner gets a fresh window: a flood of keys may loosen a limit, never fill the memory).
 */
export class RateLimiter extends Context.Service<
  RateLimiter,
  {
    /** Counts one and says whether it is within the limit. A refused one is not counted. */
    readonly consume: (limit: RateLimit) => Effect.Effect<RateDecision>
  }
>()("parley/ports/RateLimiter") {}
