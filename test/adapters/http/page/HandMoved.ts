/** Time that passes only when a test says so. */
export class HandMovedClock {
  time = 0
  private timers: Array<{ at: number; run: () => void }> = []

  readonly asTimers = {
    now: () => this.time,
    random: () => 0,
    after: (run: () => void, ms: number) => {
      const timer = { at: this.time + ms, run }
      this.timers.push(timer)
      return timer
    },
    cancel: (timer: unknown) => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** What is due runs in its order, and what that starts and is due runs too. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms
    for (;;) {
      const next = this.timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > until) break
      this.timers = this.timers.filter((other) => other !== next)
      this.time = next.at
      next.run()
      await settled()
    }
    this.time = until
  }
}

/** Everything that waits for promises alone has had its turn. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
