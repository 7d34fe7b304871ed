// Hot path: one Map look-up a frame.

/** How many frames a second somebody may send on average, and how many at once. 0 a second is no limit. */
export interface MessageRateOptions {
  readonly perSecond: number
  readonly burst: number
  /** Keys remembered at once, 100,000 by default. Past it those whose allowance is full again go, then the oldest. */
  readonly maxKeys?: number
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which its allowance will be full again. All sockets of a user
 * share a key.
 */
export class MessageRate {
  readonly #fullAt = new Map<string, number>()
  readonly #interval: number
  readonly #tolerance: number
  readonly #maxKeys: number

  constructor(options: MessageRateOptions) {
    this.#interval = options.perSecond === 0 ? 0 : 1_000 / options.perSecond
    this.#tolerance = this.#interval * Math.max(1, options.burst)
    this.#maxKeys = options.maxKeys ?? 100_000
  }

  /** Takes one at `now` (milliseconds). 0: granted; else the milliseconds until one would be. A refused one costs nothing. */
  take(key: string, now: number): number {
    if (this.#interval === 0) return 0
    const known = this.#fullAt.get(key)
    const fullAt = Math.max(known ?? 0, now) + this.#interval
    const wait = fullAt - now - this.#tolerance
    if (wait > 0) return Math.ceil(wait)
    if (known === undefined && this.#fullAt.size >= this.#maxKeys) this.#makeRoom(now)
    this.#fullAt.set(key, fullAt)
    return 0
  }

  get size(): number {
    return this.#fullAt.size
  }

  #makeRoom(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size < this.#maxKeys) break
      this.#fullAt.delete(key)
    }
  }
}
