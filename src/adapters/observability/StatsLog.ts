import { Effect, Layer } from "effect"
import { EngineStats } from "../../domain/EngineStats.ts"

const every = "1 minute"

/**
 * A line a minute with what the engine did in it, for dashboards that are made of logs: no line for each message is ever written. A quiet server without sockets
 * is silent.
 */
export const layer: Layer.Layer<never, never, EngineStats> = Layer.effectDiscard(
  Effect.gen(function* () {
    const stats = yield* EngineStats
    const totals = () => ({
      messages: stats.messagesCommitted,
      deliveries: stats.deliveries,
      rejections: stats.rejections,
      slow_consumers: stats.socketsTooSlow
    })
    let before = totals()
    const say = Effect.suspend(() => {
      const now = totals()
      const parley = {
        messages: now.messages - before.messages,
        deliveries: now.deliveries - before.deliveries,
        rejections: now.rejections - before.rejections,
        slow_consumers: now.slow_consumers - before.slow_consumers,
        sockets: stats.sockets
      }
      before = now
      return Object.values(parley).some((value) => value > 0) ? Effect.logInfo("stats", { parley }) : Effect.void
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(say, every)))
  })
)
