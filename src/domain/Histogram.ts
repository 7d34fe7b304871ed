/**
 * Counts values by size, as Prometheus does: `counts[i]` holds those ≤ `bounds[i]` and above the bound before, the last one the rest. An observation is a
 * loop over a short array, so the hot path may make one a batch.
 */
export class Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: Float64Array
  sum = 0

  /** Ascending. */
  constructor(bounds: ReadonlyArray<number>) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket++
    counts[bucket] = (counts[bucket] ?? 0) + 1
    this.sum += value
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }
}

/** Seconds, from a commit on a quick disk to what nobody waits for. */
export const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Powers of two up to what a batch, or a mailbox, may hold. */
export const countBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192]

/**
 * The value that the share `quantile` (0–1) of the observations does not pass, between two looks at `counts`: linear inside its bucket, as Prometheus reckons
 * it. 0 where there was none; the greatest bound where it is past all of them.
 */
export const quantileOf = (bounds: ReadonlyArray<number>, counts: ArrayLike<number>, quantile: number): number => {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i] ?? 0
  if (total === 0) return 0
  const rank = quantile * total
  let below = 0
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i] ?? 0
    if (below + count >= rank && count > 0) {
      const from = bounds[i - 1] ?? 0
      return from + ((bound - from) * (rank - below)) / count
    }
    below += count
  }
  return bounds.at(-1) ?? 0
}
