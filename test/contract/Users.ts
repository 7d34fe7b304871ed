import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import type { Layer } from "effect"
import { TestClock } from "effect/testing"
import { UserId } from "../../src/domain/Account.ts"
import { Users } from "../../src/ports/Users.ts"

const hash = "$2b$04$abcdefghijklmnopqrstuuDeHmZc4r1G6n0d9p6qUoM2mZ5U1i9vS"
const now = Date.UTC(2026, 0, 31, 9, 10)

/** What every adapter of `Users` keeps. `layer` builds an empty store. */
export const usersContract = (name: string, layer: Layer.Layer<Users, unknown>) => {
  const test = (says: string, run: (users: typeof Users.Service) => Effect.Effect<void, unknown>) =>
    it.effect(says, () =>
      Effect.andThen(
        TestClock.setTime(now),
        Effect.flatMap(Users, (users) => run(users))
      ).pipe(Effect.provide(layer))
    )

  describe(`Users on ${name}`, () => {
    test("a user that was created is found by the name, with the hash", (users) =>
      Effect.gen(function* () {
        const created = yield* users.create({ username: "testuser", fullName: "Test User", passwordHash: hash })
        assert.strictEqual(created.username, "testuser")
        assert.strictEqual(created.fullName, "Test User")
        const found = Option.getOrThrow(yield* users.findByUsername("testuser"))
        assert.deepStrictEqual({ ...found }, { ...created, passwordHash: hash })
      }))

    test("a name that nobody has is not found", (users) =>
      Effect.gen(function* () {
        assert.isTrue(Option.isNone(yield* users.findByUsername("nobody")))
        assert.isTrue(Option.isNone(yield* users.findByUsername("")))
      }))

    test("a second user of the same name is refused and changes nothing", (users) =>
      Effect.gen(function* () {
        const first = yield* users.create({ username: "testuser", fullName: "Test User", passwordHash: hash })
        const error = yield* Effect.flip(
          users.create({ username: "testuser", fullName: "Somebody Else", passwordHash: "other" })
        )
        assert.strictEqual(error._tag, "UsernameTaken")
        const found = Option.getOrThrow(yield* users.findByUsername("testuser"))
        assert.deepStrictEqual({ ...found }, { ...first, passwordHash: hash })
      }))

    test("of 100 racing creations of one name exactly one succeeds", (users) =>
      Effect.gen(function* () {
        const exits = yield* Effect.all(
          Array.from({ length: 100 }, (_, turn) =>
            Effect.exit(users.create({ username: "testuser", fullName: `Number ${turn}`, passwordHash: hash }))
          ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      }))

    test("names are compared code point by code point", (users) =>
      Effect.gen(function* () {
        const names = [
          "testuser",
          "TESTUSER",
          "Testuser",
          "testuser ",
          " testuser",
          "téstuser",
          "te\u0301stuser",
          "tesтuser",
          "ｔestuser",
          "__proto__",
          "constructor",
          "a' OR '1'='1",
          "100%_\\",
          "👩‍👩‍👧"
        ]
        const ids = new Set<number>()
        for (const username of names) {
          assert.isTrue(Option.isNone(yield* users.findByUsername(username)), username)
          ids.add((yield* users.create({ username, fullName: "Test User", passwordHash: hash })).userId)
        }
        assert.strictEqual(ids.size, names.length)
        for (const username of names) {
          assert.strictEqual(Option.getOrThrow(yield* users.findByUsername(username)).username, username)
        }
      }))

    test("a password's hash is replaced for who has the one before, for this account alone", (users) =>
      Effect.gen(function* () {
        const { userId } = yield* users.create({ username: "testuser", fullName: "Test User", passwordHash: hash })
        yield* users.create({ username: "neighbour", fullName: "Neigh Bour", passwordHash: hash })
        const hashOf = (username: string) =>
          Effect.map(users.findByUsername(username), (user) => Option.getOrThrow(user).passwordHash)
        assert.isFalse(yield* users.replacePasswordHash({ userId, from: "another", to: "new" }))
        assert.strictEqual(yield* hashOf("testuser"), hash)
        assert.isTrue(yield* users.replacePasswordHash({ userId, from: hash, to: "new" }))
        assert.isFalse(yield* users.replacePasswordHash({ userId, from: hash, to: "newer" }))
        assert.strictEqual(yield* hashOf("testuser"), "new")
        assert.strictEqual(yield* hashOf("neighbour"), hash)
        const nobody = UserId.make(userId + 1_000)
        assert.isFalse(yield* users.replacePasswordHash({ userId: nobody, from: hash, to: "new" }))
      }))

    test("of 50 racing changes of one password exactly one succeeds, and its hash is the one that stands", (users) =>
      Effect.gen(function* () {
        const { userId } = yield* users.create({ username: "testuser", fullName: "Test User", passwordHash: hash })
        const changes = yield* Effect.all(
          Array.from({ length: 50 }, (_, turn) =>
            Effect.map(users.replacePasswordHash({ userId, from: hash, to: `hash ${turn}` }), (changed) =>
              changed ? [`hash ${turn}`] : []
            )
          ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(changes.flat().length, 1)
        const found = Option.getOrThrow(yield* users.findByUsername("testuser"))
        assert.deepStrictEqual([found.passwordHash], changes.flat())
      }))

    test("a full name of 100 characters of any script is kept as it is", (users) =>
      Effect.gen(function* () {
        const fullName = "ژ👋é".repeat(25)
        yield* users.create({ username: "testuser", fullName, passwordHash: hash })
        assert.strictEqual(Option.getOrThrow(yield* users.findByUsername("testuser")).fullName, fullName)
      }))
  })
}
