import { createHistogram } from "node:perf_hooks"
import type { RecordableHistogram } from "node:perf_hooks"

/** Milliseconds, to three figures; undefined where nothing was measured. */
export interface Percentiles {
  readonly count: number
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly max: number | undefined
}

/** Times from when a message was sent, or due, to a delivery, up to ten minutes. */
export class Latencies {
  #histogram: RecordableHistogram = Latencies.#empty()

  static #empty(): RecordableHistogram {
    return createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 })
  }

  record(milliseconds: number): void {
    this.#histogram.record(Math.max(1, Math.round(milliseconds * 1000)))
  }

  /** Deliveries that did not come by `now`: what their messages have waited so far, so that who delivers little does not look fast. */
  recordMissing(dueTimes: Iterable<number>, now: number): void {
    for (const due of dueTimes) this.record(now - due)
  }

  reset(): void {
    this.#histogram = Latencies.#empty()
  }

  percentiles(): Percentiles {
    const count = this.#histogram.count
    const at = (percent: number) => (count === 0 ? undefined : this.#histogram.percentile(percent) / 1000)
    return { count, p50: at(50), p99: at(99), max: count === 0 ? undefined : this.#histogram.max / 1000 }
  }
}
