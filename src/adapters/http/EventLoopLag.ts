import { Effect } from "effect"
import type { Scope } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** Seconds that timers came late, since the last reading. */
export interface Lag {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

const resolutionMillis = 20
const nanos = 1e9

/** The histogram holds the whole time between two ticks of its timer. */
const late = (value: number) => Math.max(0, value / nanos - resolutionMillis / 1000)

/** Each reading begins a new window: whoever reads at its own pace needs one of its own. */
export const makeEventLoopLag: Effect.Effect<() => Lag, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const histogram = monitorEventLoopDelay({ resolution: resolutionMillis })
    histogram.enable()
    return histogram
  }),
  (histogram) => Effect.sync(() => histogram.disable())
).pipe(
  Effect.map((histogram) => () => {
    const lag =
      histogram.count === 0
        ? { mean: 0, p99: 0, max: 0 }
        : { mean: late(histogram.mean), p99: late(histogram.percentile(99)), max: late(histogram.max) }
    histogram.reset()
    return lag
  })
)
