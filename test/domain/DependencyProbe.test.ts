import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layer as memoryJournal } from "../../src/adapters/memory/Journal.ts"
import { layer as memoryUsers } from "../../src/adapters/memory/Users.ts"
import * as DependencyProbe from "../../src/domain/DependencyProbe.ts"
import { Readiness } from "../../src/domain/Readiness.ts"
import { Journal, JournalError } from "../../src/ports/Journal.ts"
import { StoreUnavailable, Users } from "../../src/ports/Users.ts"

describe("DependencyProbe", () => {
  it.effect("names the store that is away, and is ready again by itself when it is back", () => {
    let away: "journal" | "users" | undefined
    const journal = Layer.effect(
      Journal,
      Effect.map(Journal, (inner): Journal["Service"] => ({
        ...inner,
        ping: Effect.suspend(() =>
          away === "journal"
            ? Effect.fail(new JournalError({ reason: "Refused", detail: "no server answers" }))
            : inner.ping
        )
      }))
    ).pipe(Layer.provide(memoryJournal))
    const users = Layer.effect(
      Users,
      Effect.map(Users, (inner): Users["Service"] => ({
        ...inner,
        findByUsername: (name) =>
          Effect.suspend(() =>
            away === "users"
              ? Effect.fail(new StoreUnavailable({ store: "users", detail: "no server answers" }))
              : inner.findByUsername(name)
          )
      }))
    ).pipe(Layer.provide(memoryUsers))
    return Effect.gen(function* () {
      const readiness = yield* Readiness
      for (const check of ["journal", "users"] as const) {
        away = check
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(readiness.problems(), [{ check, problem: "no server answers" }])
        away = undefined
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(readiness.problems(), [])
      }
    }).pipe(
      Effect.provide(
        DependencyProbe.layer.pipe(Layer.provide(Layer.merge(journal, users)), Layer.provideMerge(Readiness.layer))
      )
    )
  })
})
