import { Clock, Effect, Layer } from "effect"
import { RateLimiter } from "../../ports/RateLimiter.ts"
import type { RateLimit } from "../../ports/RateLimiter.ts"

export interface RateLimiterOptions {
  /** Keys remembered at once, 100,000 by default. Past it the one whose window began first is forgotten. */
  readonly maxKeys?: number
}

interface Window {
  readonly endsAt: number
  count: number
}

/** Finished windows that one call clears away at most: more than it can add, so that they never pile up. */
const clearedACall = 2

/** Fixed windows, each from its key's first use. */
export const layer = (options: RateLimiterOptions = {}): Layer.Layer<RateLimiter> =>
  Layer.sync(RateLimiter, () => {
    const maxKeys = Math.max(1, options.maxKeys ?? 100_000)
    /** In the order in which the windows began: a window that begins anew goes to the end. */
    const windows = new Map<string, Window>()

    const clear = (now: number) => {
      let looked = 0
      for (const [key, window] of windows) {
        if (looked >= clearedACall || window.endsAt > now) break
        windows.delete(key)
        looked += 1
      }
    }

    const begin = (key: string, now: number, limit: RateLimit): Window => {
      windows.delete(key)
      if (windows.size >= maxKeys) {
        for (const first of windows.keys()) {
          windows.delete(first)
          break
        }
      }
      const window = { endsAt: now + limit.windowMillis, count: 0 }
      windows.set(key, window)
      return window
    }

    const consume = (limit: RateLimit, now: number) => {
      clear(now)
      // Lengths first: no name and key can be read as another name and key.
      const key = `${limit.name.length}:${limit.name}${limit.key}`
      const known = windows.get(key)
      const window = known !== undefined && known.endsAt > now ? known : begin(key, now, limit)
      const allowed = window.count < limit.limit
      if (allowed) window.count += 1
      return { allowed, remaining: Math.max(0, limit.limit - window.count), resetMillis: window.endsAt - now }
    }

    // Not the wall clock: set back by an hour, it would keep everybody waiting for one.
    return { consume: (limit) => Effect.map(Clock.monotonicTimeNanos, (now) => consume(limit, Number(now) / 1e6)) }
  })
