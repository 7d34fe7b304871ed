import { assert, describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { RoomRegistry } from "../../../src/domain/RoomRegistry.ts"
import { jittered, Overload, OverloadGauge } from "../../../src/adapters/http/Overload.ts"

describe("the gauge of overload", () => {
  it("rises after three seconds past 250 ms of mean lateness, and falls only below 50", () => {
    const gauge = new OverloadGauge()
    const after = (mean: number): boolean => {
      gauge.look({ mean, waiting: 0 })
      return gauge.overloaded
    }
    expect([0.251, 0.251, 0.25, 0.9, 0.9].map(after)).toEqual([false, false, false, false, false])
    expect([0.251, 0.1, 0.051, 0.05, 0.9].map(after)).toEqual([true, true, true, false, false])
  })

  it("sends everybody back at another time, 2 to 10 seconds later", () => {
    const waits = Array.from({ length: 1_000 }, (_, n) => jittered(n / 1_000))
    expect([...new Set(waits)]).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it.effect(
    "is overloaded, too, while more messages wait in the rooms than the mailbox of one holds, until a batch of them is left",
    () =>
      Effect.gen(function* () {
        let waiting = 0
        const unused = (): never => {
          throw new Error("nobody asks for this")
        }
        const rooms = Layer.succeed(RoomRegistry, {
          offer: unused,
          enter: unused,
          enterAwake: unused,
          leave: unused,
          inMemory: unused,
          all: unused,
          running: unused,
          whenIdle: Effect.void,
          waiting: () => waiting
        })
        const overload = Context.get(yield* Layer.build(Layer.provide(Overload.layer, rooms)), Overload)
        const after = Effect.fnUntraced(function* (now: number) {
          waiting = now
          yield* TestClock.adjust("1 second")
          return overload.isOverloaded()
        })
        const seen = [yield* after(0)]
        for (const now of [8_193, 8_193, 8_192, 9_000, 9_000, 9_000, 1_025, 1_024]) seen.push(yield* after(now))
        assert.deepStrictEqual(seen, [false, false, false, false, false, false, true, true, false])
      })
  )
})
