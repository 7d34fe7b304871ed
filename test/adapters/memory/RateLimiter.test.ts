import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { layer } from "../../../src/adapters/memory/RateLimiter.ts"
import type { RateLimiterOptions } from "../../../src/adapters/memory/RateLimiter.ts"
import { RateLimiter } from "../../../src/ports/RateLimiter.ts"

const login = { name: "login", limit: 2, windowMillis: 60_000 }

const test = (
  says: string,
  run: (limiter: typeof RateLimiter.Service) => Effect.Effect<void, unknown>,
  options?: RateLimiterOptions
) => it.effect(says, () => Effect.flatMap(RateLimiter, (limiter) => run(limiter)).pipe(Effect.provide(layer(options))))

describe("RateLimiter in memory", () => {
  test("grants the limit, then refuses until the window ends, and says how long that is", (limiter) =>
    Effect.gen(function* () {
      const bob = { ...login, key: "bob" }
      assert.deepStrictEqual(yield* limiter.consume(bob), { allowed: true, remaining: 1, resetMillis: 60_000 })
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(yield* limiter.consume(bob), { allowed: true, remaining: 0, resetMillis: 50_000 })
      assert.deepStrictEqual(yield* limiter.consume(bob), { allowed: false, remaining: 0, resetMillis: 50_000 })
      yield* TestClock.adjust(49_999)
      assert.isFalse((yield* limiter.consume(bob)).allowed)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* limiter.consume(bob), { allowed: true, remaining: 1, resetMillis: 60_000 })
    }))

  test("keys and limits never meet", (limiter) =>
    Effect.gen(function* () {
      const all = [
        { ...login, key: "bob" },
        { ...login, key: "eve" },
        { ...login, name: "api", key: "bob" },
        { ...login, name: "loginb", key: "ob" },
        { ...login, name: "log", key: "inbob" },
        { ...login, key: "__proto__" }
      ]
      for (const limit of all) assert.strictEqual((yield* limiter.consume(limit)).remaining, 1, JSON.stringify(limit))
    }))

  test("a limit of 0 grants nothing", (limiter) =>
    Effect.gen(function* () {
      assert.isFalse((yield* limiter.consume({ ...login, limit: 0, key: "bob" })).allowed)
    }))

  test(
    "past the bound the key whose window began first is forgotten, and no other",
    (limiter) =>
      Effect.gen(function* () {
        yield* limiter.consume({ ...login, key: "first" })
        yield* TestClock.adjust(1)
        yield* limiter.consume({ ...login, key: "second" })
        yield* TestClock.adjust(1)
        // Use alone keeps nobody: it is the window's begin that counts.
        yield* limiter.consume({ ...login, key: "first" })
        yield* limiter.consume({ ...login, key: "third" })
        assert.strictEqual((yield* limiter.consume({ ...login, key: "second" })).remaining, 0)
        assert.strictEqual((yield* limiter.consume({ ...login, key: "first" })).remaining, 1)
      }),
    { maxKeys: 2 }
  )

  test(
    "windows that have ended make room before one that has not",
    (limiter) =>
      Effect.gen(function* () {
        yield* limiter.consume({ ...login, key: "old" })
        yield* TestClock.adjust(30_000)
        yield* limiter.consume({ ...login, key: "young" })
        yield* TestClock.adjust(30_000)
        yield* limiter.consume({ ...login, key: "new" })
        assert.strictEqual((yield* limiter.consume({ ...login, key: "young" })).remaining, 0)
      }),
    { maxKeys: 2 }
  )
})
