import { setTimeout } from "node:timers/promises"
import type { Recorder } from "./Recorder.ts"
import type { Habits } from "./Scenario.ts"

/** What everybody who acts has in common. */
export class World {
  readonly recorder: Recorder
  readonly habits: Habits
  /** Where sockets and requests go; the server may be down all the same. */
  socketUrl = ""
  url = ""
  /** Sockets that were opened. */
  connects = 0
  readonly #over = new AbortController()

  constructor(recorder: Recorder, habits: Habits) {
    this.recorder = recorder
    this.habits = habits
  }

  /** Whether acting ends. */
  get over(): boolean {
    return this.#over.signal.aborted
  }

  end(): void {
    this.#over.abort()
  }

  /** Until then, or until acting ends. */
  async pause(milliseconds: number): Promise<void> {
    if (!this.over)
      await setTimeout(Math.max(1, milliseconds), undefined, { signal: this.#over.signal }).catch(() => {})
  }
}
