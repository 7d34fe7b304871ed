import { isServerApiPath } from "./ServerApiPaths.ts"
import type { ServerApiOptions } from "./ServerApiPaths.ts"
import type { RateDecision, RateLimit } from "../../ports/RateLimiter.ts"

const windowSeconds = 60

export interface ApiRateLimitOptions extends ServerApiOptions {
  /** `RATE_LIMIT_PER_MINUTE`: requests to `/api/*` a minute and client address. 0: no limit. */
  readonly ratePerMinute: number
}

/** The limit that a request counts against; `undefined` where none does. */
export const rateLimitOf = (options: ApiRateLimitOptions, path: string, key: string): RateLimit | undefined => {
  if (path !== "/api" && !path.startsWith("/api/")) return undefined
  const [name, limit] = isServerApiPath(options, path)
    ? ["server-api", options.serverApi.ratePerMinute]
    : ["api", options.ratePerMinute]
  return limit > 0 ? { name, key, limit, windowMillis: windowSeconds * 1000 } : undefined
}

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 has them (structured fields: `q` the quota, `w` the window in
 * seconds; `r` what is left, `t` the seconds until it is whole again).
 */
export const rateLimitHeaders = (limit: RateLimit, decision: RateDecision): Record<string, string> => ({
  "ratelimit-policy": `"${limit.name}";q=${limit.limit};w=${windowSeconds}`,
  ratelimit: `"${limit.name}";r=${decision.remaining};t=${Math.ceil(decision.resetMillis / 1000)}`
})
