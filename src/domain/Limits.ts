import { Clock, Context, Effect, Layer } from "effect"
import { EngineStats } from "./EngineStats.ts"
import type { LimitCounters } from "./EngineStats.ts"

export type LimitReason = keyof LimitCounters

const says: Record<LimitReason, string> = {
  api: "RATE_LIMIT_PER_MINUTE: an address sends too many requests (429)",
  server_api: "SERVER_API_PER_MINUTE: an address sends too many requests to the server API (429)",
  logins: "LOGINS_PER_MINUTE: too many logins of an account from an address (429)",
  hashing: "passwords are checked as fast as they can be: logins are refused (503)",
  messages: "MESSAGE_RATE: somebody sends too many messages (rate_limited, then 4029)",
  control_frames: "a socket sends too many pings and pongs (4029)",
  sockets_of_user: "SOCKETS_PER_USER: an account opens too many sockets (4504)",
  sockets_of_address: "SOCKETS_PER_IP: an address opens too many sockets (429)",
  overload: "the event loop is late, or too many messages wait: new sockets are refused until that is over (503)",
  auth_timeout: "a socket brought no token in time (4501)",
  slow_requests: "a request, or its headers, did not come in time (408)",
  large_headers: "the headers of a request are too large (431)",
  large_bodies: "the body of a request is too large (413)",
  unknown_proxy:
    "forwarding headers came from an address that TRUSTED_PROXIES does not name, and were ignored: if it is your proxy, name it, or all its clients count as one"
}

/** A limit that is hit a thousand times a second is said once in so long; the counters have every hit. */
const saidEveryMillis = 10_000

/**
 * Everything that is refused because somebody wants too much is told here: it is counted by its reason, and said in the log, at most one line a reason and ten
 * seconds. Called on hot paths: a plain function.
 */
export class Limits extends Context.Service<
  Limits,
  {
    /** `who` is an address or an account, for the log. */
    readonly hit: (reason: LimitReason, who: string) => void
  }
>()("parley/domain/Limits") {
  static readonly layer: Layer.Layer<Limits, never, EngineStats> = Layer.effect(
    Limits,
    Effect.gen(function* () {
      const { limited } = yield* EngineStats
      const clock = yield* Clock.Clock
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const saidAt = new Map<LimitReason, number>()
      return {
        hit: (reason, who) => {
          limited[reason] += 1
          const now = clock.currentTimeMillisUnsafe()
          const last = saidAt.get(reason)
          if (last !== undefined && now - last < saidEveryMillis) return
          saidAt.set(reason, now)
          fork(Effect.logWarning(says[reason], { reason, who, total: limited[reason] }))
        }
      }
    })
  )
}
