import { Context, Effect, Layer, Schedule } from "effect"
import { makeEventLoopLag } from "./EventLoopLag.ts"
import type { Lag } from "./EventLoopLag.ts"
import { RoomRegistry } from "../../domain/RoomRegistry.ts"

/** Timers that are so late on average mean that the process has more to do than it can. Seconds. */
const tooLate = 0.25
/** So many messages that wait, in all rooms: as many as the mailbox of one holds by default. */
const tooMany = 8_192
/** For so many seconds in a row: a start, a checkpoint or a neighbour on the machine passes. */
const lateInARow = 3
/** Overloaded until both are back below these: no flapping. */
const goodAgain = { mean: 0.05, waiting: 1_024 }
const lookEvery = "1 second"
/** Whoever is sent away comes back after so many seconds, each after another: not all at once. */
const retrySeconds = { from: 2, to: 10 }

/** From the lag of one second after the other, and what waits in the rooms at its end: whether the process is overloaded. */
export class OverloadGauge {
  #late = 0

  get overloaded(): boolean {
    return this.#late >= lateInARow
  }

  look({ mean, waiting }: Pick<Lag, "mean"> & { readonly waiting: number }): void {
    const bound = this.overloaded ? goodAgain : { mean: tooLate, waiting: tooMany }
    if (mean <= bound.mean && waiting <= bound.waiting) this.#late = 0
    else this.#late += 1
  }
}

/** `Retry-After` of one refusal, whole seconds; `chance` is in [0, 1). */
export const jittered = (chance: number): number =>
  retrySeconds.from + Math.floor(chance * (retrySeconds.to - retrySeconds.from + 1))

/** Whether new connections are to be sent away, so that those that are served stay served. */
export class Overload extends Context.Service<Overload, { readonly isOverloaded: () => boolean }>()(
  "parley/adapters/http/Overload"
) {
  static readonly layer = Layer.effect(
    Overload,
    Effect.gen(function* () {
      const readLag = yield* makeEventLoopLag
      const registry = yield* RoomRegistry
      const gauge = new OverloadGauge()
      yield* Effect.sync(() => gauge.look({ mean: readLag().mean, waiting: registry.waiting() })).pipe(
        Effect.repeat(Schedule.spaced(lookEvery)),
        Effect.forkScoped
      )
      return { isOverloaded: () => gauge.overloaded }
    })
  )
}
