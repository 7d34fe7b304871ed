import { readdirSync, readFileSync } from "node:fs"
import { hashSync } from "@node-rs/bcrypt"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted } from "effect"
import { layer } from "../../../src/adapters/crypto/PasswordHasher.ts"
import type { PasswordHasherOptions } from "../../../src/adapters/crypto/PasswordHasher.ts"
import { PasswordHasher } from "../../../src/ports/PasswordHasher.ts"

const password = Redacted.make("password123")

const test = (
  says: string,
  run: (hasher: typeof PasswordHasher.Service) => Effect.Effect<void, unknown>,
  options: PasswordHasherOptions = {}
) =>
  it.effect(says, () =>
    Effect.flatMap(PasswordHasher, (hasher) => run(hasher)).pipe(Effect.provide(layer({ cost: 4, ...options })))
  )

describe("PasswordHasher", () => {
  test("a hash verifies its password and no other", (hasher) =>
    Effect.gen(function* () {
      const hash = yield* hasher.hash(password)
      assert.isTrue(yield* hasher.verify(password, hash))
      for (const wrong of ["", "password12", "password1234", "PASSWORD123", "password123\0"]) {
        assert.isFalse(yield* hasher.verify(Redacted.make(wrong), hash), wrong)
      }
    }))

  test("the same password has another hash each time, of the cost that was asked for", (hasher) =>
    Effect.gen(function* () {
      const hashes = [yield* hasher.hash(password), yield* hasher.hash(password), hasher.dummyHash]
      assert.strictEqual(new Set(hashes).size, 3)
      for (const hash of hashes) assert.match(hash, /^\$2b\$04\$[./A-Za-z0-9]{53}$/)
    }))

  it.effect("the cost is 10 by default", () =>
    Effect.gen(function* () {
      assert.match((yield* PasswordHasher).dummyHash, /^\$2b\$10\$/)
    }).pipe(Effect.provide(layer()))
  )

  test("the original application's hashes verify", (hasher) =>
    Effect.gen(function* () {
      const hash = hashSync("password123", { cost: 10, version: "2a" })
      assert.match(hash, /^\$2a\$10\$/)
      assert.isTrue(yield* hasher.verify(password, hash))
    }))

  test("a password of 72 bytes is hashed whole, one of 73 is not cut to 72", (hasher) =>
    Effect.gen(function* () {
      const longest = "ä".repeat(36)
      const hash = yield* hasher.hash(Redacted.make(longest))
      assert.isTrue(yield* hasher.verify(Redacted.make(longest), hash))
      assert.isFalse(yield* hasher.verify(Redacted.make(`${longest.slice(0, -1)}a`), hash))
      assert.isFalse(yield* hasher.verify(Redacted.make(`${longest}!`), hash))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(hasher.hash(Redacted.make(`${longest}!`)))))
    }))

  test("no password verifies against what is no hash", (hasher) =>
    Effect.gen(function* () {
      for (const hash of ["", "password123", "$2b$10$short", hasher.dummyHash.slice(0, -1)]) {
        assert.isFalse(yield* hasher.verify(password, hash), hash)
      }
      assert.isFalse(yield* hasher.verify(password, hasher.dummyHash))
    }))

  test(
    "what does not fit into the queue is refused with the time until there is room, the rest is served",
    (hasher) =>
      Effect.gen(function* () {
        const fibers = yield* Effect.forEach(Array.from({ length: 10 }), () =>
          Effect.forkChild(Effect.exit(hasher.hash(password)), { startImmediately: true })
        )
        const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
        assert.deepStrictEqual(
          exits.map((exit) => Exit.isSuccess(exit)),
          [true, true, true, true, true, false, false, false, false, false]
        )
        const error = yield* Effect.flip(exits[9] ?? Effect.die("no such exit"))
        assert.strictEqual(error._tag, "HasherOverloaded")
        assert.isAtLeast(error.retryAfterMs, 1)
        yield* hasher.hash(password)
      }),
    { concurrency: 2, maxWaiting: 3 }
  )

  test(
    "who gives up while he waits leaves his place to another",
    (hasher) =>
      Effect.gen(function* () {
        const running = yield* Effect.forkChild(hasher.hash(password), { startImmediately: true })
        const waiting = yield* Effect.forkChild(hasher.hash(password), { startImmediately: true })
        assert.strictEqual((yield* Effect.flip(hasher.hash(password)))._tag, "HasherOverloaded")
        yield* Fiber.interrupt(waiting)
        yield* hasher.hash(password)
        yield* Fiber.join(running)
      }),
    { concurrency: 1, maxWaiting: 1 }
  )

  test(
    "between hashes that wait for each other the core is left to the chat",
    (hasher) =>
      Effect.gen(function* () {
        // The thread is up.
        yield* hasher.hash(password)
        const idle = process.threadCpuUsage()
        hashSync("password123", { cost: 8 })
        const { system, user } = process.threadCpuUsage(idle)
        const began = performance.now()
        yield* Effect.forEach([1, 2, 3], () => hasher.hash(password), { concurrency: "unbounded", discard: true })
        // Two rests of nine hashes each; half of that, since no hash takes as long as another.
        assert.isAbove(performance.now() - began, (9 * (system + user)) / 1_000)
      }),
    { cost: 8, concurrency: 1, share: 0.1 }
  )

  it.effect.runIf(process.platform === "linux")("the threads that hash give way to all others", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const polite = () =>
        readdirSync("/proc/self/task").filter((thread) => {
          // The nineteenth field, counted from behind the name.
          const fields = readFileSync(`/proc/self/task/${thread}/stat`, "utf8").split(") ")[1]?.split(" ")
          return fields?.[16] === "5"
        })
      const before = polite()
      yield* hasher.hash(password)
      assert.lengthOf(polite(), before.length + 1)
    }).pipe(Effect.provide(layer({ cost: 4, concurrency: 1 })))
  )
})
