import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Layer } from "effect"
import { TestClock } from "effect/testing"
import { SessionId } from "../../src/domain/Account.ts"
import type { UserId } from "../../src/domain/Account.ts"
import { SessionStore } from "../../src/ports/SessionStore.ts"
import type { StoredPair } from "../../src/ports/SessionStore.ts"
import { Users } from "../../src/ports/Users.ts"

const now = Date.UTC(2026, 0, 31, 9, 10)
const hour = 3_600_000

const hashOf = (text: string) => Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64)

const pairOf = (name: string, refreshExpiresAt = now + 24 * hour): StoredPair => ({
  accessHash: hashOf(`a-${name}`),
  refreshHash: hashOf(`r-${name}`),
  accessId: `access-${name}`,
  refreshId: `refresh-${name}`,
  issuedAt: now,
  accessExpiresAt: now + hour / 4,
  refreshExpiresAt
})

type Store = typeof SessionStore.Service
type People = { readonly store: Store; readonly bob: UserId; readonly eve: UserId }

const find = (store: Store, id: string) => Effect.map(store.find(SessionId.make(id)), Option.getOrUndefined)

/** What every adapter of `SessionStore` keeps. `layer` builds an empty store, and the users that sessions belong to. */
export const sessionStoreContract = (name: string, layer: Layer.Layer<Users | SessionStore, unknown>) => {
  const test = (says: string, run: (people: People) => Effect.Effect<void, unknown>) =>
    it.effect(says, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(now)
        const users = yield* Users
        const store = yield* SessionStore
        const bob = yield* users.create({ username: "bobbob", fullName: "Bob Bobson", passwordHash: "-" })
        const eve = yield* users.create({ username: "eveeve", fullName: "Eve Eveson", passwordHash: "-" })
        yield* run({ store, bob: bob.userId, eve: eve.userId })
      }).pipe(Effect.provide(layer))
    )

  describe(`SessionStore on ${name}`, () => {
    test("a session that was created is found as it was written, unused and never rotated", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1") })
        assert.deepStrictEqual(yield* find(store, "one"), {
          sessionId,
          userId: bob,
          pair: pairOf("1"),
          previous: undefined,
          usedAt: undefined
        })
        assert.isUndefined(yield* find(store, "two"))
      }))

    test("a rotation makes the pair before it the previous one and the new one unused", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1") })
        yield* store.markUsed({ sessionId, accessHash: pairOf("1").accessHash, at: now + 1 })
        const rotated = yield* store.rotate({
          sessionId,
          from: pairOf("1").refreshHash,
          pair: pairOf("2", now + 48 * hour),
          at: now + 1_234
        })
        assert.isTrue(rotated)
        assert.deepStrictEqual(yield* find(store, "one"), {
          sessionId,
          userId: bob,
          pair: pairOf("2", now + 48 * hour),
          previous: {
            accessHash: pairOf("1").accessHash,
            refreshHash: pairOf("1").refreshHash,
            rotatedAt: now + 1_234
          },
          usedAt: undefined
        })
      }))

    test("of 100 racing refreshes exactly one wins, and its pair is the one that stands", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("first") })
        const from = pairOf("first").refreshHash
        const won = yield* Effect.all(
          Array.from({ length: 100 }, (_, turn) =>
            Effect.map(store.rotate({ sessionId, from, pair: pairOf(`${turn}`), at: now }), (rotated) =>
              rotated ? [turn] : []
            )
          ),
          { concurrency: "unbounded" }
        )
        const winners = won.flat()
        assert.strictEqual(winners.length, 1)
        const session = yield* find(store, "one")
        assert.deepStrictEqual(session?.pair, pairOf(`${winners[0]}`))
        assert.strictEqual(session?.previous?.refreshHash, from)
      }))

    test("a rotation from a hash that is not the current one changes nothing", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1") })
        const before = yield* find(store, "one")
        for (const from of [hashOf("foreign"), pairOf("1").accessHash, ""]) {
          assert.isFalse(yield* store.rotate({ sessionId, from, pair: pairOf("2"), at: now }))
        }
        assert.deepStrictEqual(yield* find(store, "one"), before)
        const elsewhere = SessionId.make("gone")
        const from = pairOf("1").refreshHash
        assert.isFalse(yield* store.rotate({ sessionId: elsewhere, from, pair: pairOf("2"), at: now }))
        assert.isUndefined(yield* find(store, "gone"))
      }))

    test("the first use of the current pair is noted once, that of another never", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1") })
        yield* store.rotate({ sessionId, from: pairOf("1").refreshHash, pair: pairOf("2"), at: now })
        yield* store.markUsed({ sessionId, accessHash: pairOf("1").accessHash, at: now + 1 })
        assert.isUndefined((yield* find(store, "one"))?.usedAt)
        yield* store.markUsed({ sessionId, accessHash: pairOf("2").accessHash, at: now + 2 })
        yield* store.markUsed({ sessionId, accessHash: pairOf("2").accessHash, at: now + 3 })
        assert.strictEqual((yield* find(store, "one"))?.usedAt, now + 2)
        yield* store.markUsed({ sessionId: SessionId.make("gone"), accessHash: pairOf("2").accessHash, at: now })
      }))

    test("ending a session ends it alone, and once", ({ bob, store }) =>
      Effect.gen(function* () {
        yield* store.create({ sessionId: SessionId.make("one"), userId: bob, pair: pairOf("1") })
        yield* store.create({ sessionId: SessionId.make("two"), userId: bob, pair: pairOf("2") })
        assert.isTrue(yield* store.remove(SessionId.make("one")))
        assert.isFalse(yield* store.remove(SessionId.make("one")))
        assert.isUndefined(yield* find(store, "one"))
        assert.isDefined(yield* find(store, "two"))
      }))

    test("a session that was ended is not brought back by a rotation", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1") })
        yield* store.remove(sessionId)
        const from = pairOf("1").refreshHash
        assert.isFalse(yield* store.rotate({ sessionId, from, pair: pairOf("2"), at: now }))
        yield* store.markUsed({ sessionId, accessHash: pairOf("1").accessHash, at: now })
        assert.isUndefined(yield* find(store, "one"))
      }))

    test("all sessions of a user end together and are named; those of others stay", ({ bob, eve, store }) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 1_201 }, (_, turn) => SessionId.make(`bob-${turn}`))
        yield* Effect.forEach(ids, (sessionId) => store.create({ sessionId, userId: bob, pair: pairOf(sessionId) }), {
          discard: true
        })
        yield* store.create({ sessionId: SessionId.make("eve"), userId: eve, pair: pairOf("eve") })
        assert.deepStrictEqual((yield* store.removeAllOf(bob)).toSorted(), ids.toSorted())
        assert.deepStrictEqual([...(yield* store.removeAllOf(bob))], [])
        assert.isUndefined(yield* find(store, "bob-0"))
        assert.isUndefined(yield* find(store, "bob-1200"))
        assert.isDefined(yield* find(store, "eve"))
      }))

    test("all sessions of a user but one end together, and that one stays", ({ bob, store }) =>
      Effect.gen(function* () {
        const ids = ["one", "two", "three"].map((id) => SessionId.make(id))
        yield* Effect.forEach(ids, (sessionId) => store.create({ sessionId, userId: bob, pair: pairOf(sessionId) }))
        const [one, two, three] = ids
        assert.deepStrictEqual<unknown>(new Set(yield* store.removeAllOf(bob, two)), new Set([one, three]))
        assert.isDefined(yield* find(store, "two"))
        assert.deepStrictEqual([...(yield* store.removeAllOf(bob, two))], [])
      }))

    test("a user's own living sessions are listed, those renewed last first, no more than asked", ({
      bob,
      eve,
      store
    }) =>
      Effect.gen(function* () {
        const create = (id: string, userId: UserId, pair: StoredPair) =>
          store.create({ sessionId: SessionId.make(id), userId, pair })
        yield* create("expired", bob, pairOf("expired", now))
        yield* create("old", bob, pairOf("old"))
        yield* create("eve", eve, pairOf("eve"))
        yield* TestClock.adjust(hour)
        yield* create("young", bob, { ...pairOf("young"), issuedAt: now + hour })
        const listed = yield* store.listOf({ userId: bob, now, limit: 10 })
        const old = { sessionId: "old", createdAt: now, renewedAt: now, expiresAt: now + 24 * hour }
        const young = { sessionId: "young", createdAt: now + hour, renewedAt: now + hour, expiresAt: now + 24 * hour }
        assert.deepStrictEqual<ReadonlyArray<object>>(listed, [young, old])
        const pair = { ...pairOf("renewed", now + 48 * hour), issuedAt: now + 2 * hour }
        const from = pairOf("old").refreshHash
        yield* store.rotate({ sessionId: SessionId.make("old"), from, pair, at: now + 2 * hour })
        assert.deepStrictEqual<ReadonlyArray<object>>(yield* store.listOf({ userId: bob, now, limit: 1 }), [
          { ...old, renewedAt: now + 2 * hour, expiresAt: now + 48 * hour }
        ])
      }))

    test("of the sessions that are asked for, those that live are named", ({ bob, store }) =>
      Effect.gen(function* () {
        yield* store.create({ sessionId: SessionId.make("one"), userId: bob, pair: pairOf("1") })
        yield* store.create({ sessionId: SessionId.make("two"), userId: bob, pair: pairOf("2") })
        yield* store.remove(SessionId.make("two"))
        const asked = ["one", "two", "never"].map((id) => SessionId.make(id))
        assert.deepStrictEqual<ReadonlyArray<string>>(yield* store.living(asked), ["one"])
        assert.deepStrictEqual<ReadonlyArray<string>>(yield* store.living([]), [])
      }))

    test("expired sessions are purged in batches no larger than asked, living ones stay", ({ bob, store }) =>
      Effect.gen(function* () {
        for (let turn = 0; turn < 7; turn++) {
          const pair = pairOf(`old-${turn}`, now - turn * hour)
          yield* store.create({ sessionId: SessionId.make(`old-${turn}`), userId: bob, pair })
        }
        yield* store.create({ sessionId: SessionId.make("alive"), userId: bob, pair: pairOf("alive", now + 1_000) })
        assert.strictEqual(yield* store.removeExpired(now, 3), 3)
        assert.strictEqual(yield* store.removeExpired(now, 3), 3)
        assert.strictEqual(yield* store.removeExpired(now, 3), 1)
        assert.strictEqual(yield* store.removeExpired(now, 3), 0)
        assert.isDefined(yield* find(store, "alive"))
        assert.strictEqual(yield* store.removeExpired(now + 1_000, 3), 1)
        assert.isUndefined(yield* find(store, "alive"))
      }))

    test("a rotation gives a session its new expiry", ({ bob, store }) =>
      Effect.gen(function* () {
        const sessionId = SessionId.make("one")
        yield* store.create({ sessionId, userId: bob, pair: pairOf("1", now + hour) })
        const pair = pairOf("2", now + 2 * hour)
        yield* store.rotate({ sessionId, from: pairOf("1").refreshHash, pair, at: now })
        assert.strictEqual(yield* store.removeExpired(now + hour, 10), 0)
        assert.strictEqual(yield* store.removeExpired(now + 2 * hour, 10), 1)
      }))
  })
}
