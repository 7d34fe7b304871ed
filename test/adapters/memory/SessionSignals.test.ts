import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { layer } from "../../../src/adapters/memory/SessionSignals.ts"
import { SessionSignals } from "../../../src/ports/SessionSignals.ts"

const claimed = { _tag: "NameClaimed", username: "bobbob" } as const

describe("SessionSignals in memory", () => {
  it.effect("every subscriber was called, in order of subscription, when publish completes", () =>
    Effect.gen(function* () {
      const signals = yield* SessionSignals
      const heard: Array<string> = []
      yield* signals.subscribe((signal) => heard.push(`first ${signal._tag}`))
      yield* signals.subscribe((signal) => heard.push(`second ${signal._tag}`))
      yield* signals.publish(claimed)
      assert.deepStrictEqual(heard, ["first NameClaimed", "second NameClaimed"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("who left hears nothing more, and the same function may subscribe twice", () =>
    Effect.gen(function* () {
      const signals = yield* SessionSignals
      let heard = 0
      const hear = () => {
        heard += 1
      }
      const scope = yield* Scope.make()
      yield* signals.subscribe(hear)
      yield* Scope.provide(signals.subscribe(hear), scope)
      yield* signals.publish(claimed)
      assert.strictEqual(heard, 2)
      yield* Scope.close(scope, Exit.void)
      yield* signals.publish(claimed)
      assert.strictEqual(heard, 3)
    }).pipe(Effect.provide(layer))
  )

  it.effect("a subscriber that throws keeps nobody else from hearing", () =>
    Effect.gen(function* () {
      const signals = yield* SessionSignals
      let heard = 0
      yield* signals.subscribe(() => {
        throw new Error("broken")
      })
      yield* signals.subscribe(() => {
        heard += 1
      })
      yield* signals.publish(claimed)
      assert.strictEqual(heard, 1)
    }).pipe(Effect.provide(layer))
  )
})
