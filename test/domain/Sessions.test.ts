import { assert, describe } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layer as users } from "../../src/adapters/memory/Users.ts"
import { SessionId } from "../../src/domain/Account.ts"
import { Auth } from "../../src/domain/Auth.ts"
import { Sessions } from "../../src/domain/Sessions.ts"
import type { TokenPair } from "../../src/domain/Sessions.ts"
import { SessionSignals } from "../../src/ports/SessionSignals.ts"
import { SessionStore } from "../../src/ports/SessionStore.ts"
import { TokenSigner } from "../../src/ports/TokenSigner.ts"
import { StoreUnavailable, Users } from "../../src/ports/Users.ts"
import { layer as memoryStore } from "../../src/adapters/memory/SessionStore.ts"
import { Heard, accounts, loggedIn, testuser } from "../support/Accounts.ts"
import { access, now, reasonsHeard, refresh, refusal, test, texts } from "../support/SessionTests.ts"

describe("a login", () => {
  test(
    "gives an access token that says who it is until it expires",
    Effect.gen(function* () {
      const tokens = yield* loggedIn
      const principal = yield* (yield* Sessions).authenticate(tokens.accessToken)
      assert.deepInclude(principal, { username: "testuser", fullName: "Test User", expiresAt: now + 15 * 60_000 })
      assert.strictEqual(tokens.refreshExpiresAt, now + 24 * 3_600_000)
      yield* TestClock.adjust(15 * 60_000 - 1)
      assert.strictEqual(yield* access(tokens), "testuser")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* access(tokens), "expired")
    })
  )

  test(
    "gives others than another login of the same second, and each ends alone",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* loggedIn
      const second = (yield* (yield* Auth).login({ ...testuser, ip: "192.0.2.1" })).tokens
      assert.strictEqual(new Set([...texts(first), ...texts(second)]).size, 4)
      yield* sessions.end(yield* sessions.authenticate(first.accessToken))
      assert.strictEqual(yield* access(first), "revoked")
      assert.strictEqual(yield* access(second), "testuser")
      yield* refresh(second)
    })
  )

  test(
    "keeps hashes in the store, and no token",
    Effect.gen(function* () {
      const tokens = yield* loggedIn
      const { sessionId } = yield* (yield* Sessions).authenticate(tokens.accessToken)
      const row = JSON.stringify(Option.getOrThrow(yield* (yield* SessionStore).find(sessionId)))
      for (const part of texts(tokens).flatMap((token) => [token, token.split(".")[2] ?? ""])) {
        assert.notInclude(row, part)
      }
      assert.include(row, (yield* TokenSigner).fingerprint(tokens.accessToken))
    })
  )

  test(
    "lives with a full name of 100 characters of four bytes",
    Effect.gen(function* () {
      const auth = yield* Auth
      const fullName = "👋".repeat(100)
      yield* auth.register({ ...testuser, fullName })
      const { tokens } = yield* auth.login({ ...testuser, ip: "192.0.2.1" })
      const again = yield* refresh(tokens)
      assert.strictEqual((yield* (yield* Sessions).authenticate(again.accessToken)).fullName, fullName)
    })
  )
})

describe("a logout", () => {
  test(
    "ends the access and the refresh token, the pair before them too",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      yield* sessions.end(yield* sessions.authenticate(old.accessToken))
      for (const tokens of [old, pair]) {
        assert.strictEqual(yield* access(tokens), "revoked")
        assert.strictEqual(yield* refusal(tokens), "revoked")
      }
    })
  )

  test(
    "has told the sockets when it answers, after the store forgot the session",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const store = yield* SessionStore
      const principal = yield* sessions.authenticate((yield* loggedIn).accessToken)
      const inStore: Array<boolean> = []
      yield* (yield* SessionSignals).subscribe((signal) => {
        if (signal._tag === "SessionEnded") {
          inStore.push(Option.isSome(Effect.runSync(store.find(signal.sessionId).pipe(Effect.orDie))))
        }
      })
      yield* sessions.end(principal)
      assert.deepStrictEqual(inStore, [false])
      assert.deepStrictEqual(
        (yield* Heard).filter((signal) => signal._tag === "SessionEnded"),
        [{ _tag: "SessionEnded", sessionId: principal.sessionId, reason: "logout" }]
      )
    })
  )

  test(
    "of a client that hung up still reaches the sockets",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const principal = yield* sessions.authenticate((yield* loggedIn).accessToken)
      const logout = yield* Effect.forkChild(sessions.end(principal), { startImmediately: true })
      yield* Fiber.interrupt(logout)
      assert.deepStrictEqual(yield* reasonsHeard, ["logout"])
    }),
    accounts(
      {},
      Layer.merge(
        users,
        Layer.effect(
          SessionStore,
          Effect.map(SessionStore, (store) => ({
            ...store,
            // The store takes a turn of the scheduler to answer, as one behind a network would.
            remove: (sessionId: SessionId) => Effect.andThen(Effect.yieldNow, store.remove(sessionId))
          }))
        ).pipe(Layer.provide(memoryStore))
      )
    )
  )
})

describe("one's own sessions", () => {
  const another = Effect.flatMap(Auth, (auth) =>
    Effect.map(auth.login({ ...testuser, ip: "192.0.2.1" }), ({ tokens }) => tokens)
  )

  test(
    "are listed, the one that asks as current, and end one by one",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* loggedIn
      const principal = yield* sessions.authenticate(first.accessToken)
      yield* TestClock.adjust(1_000)
      const second = yield* another
      const listed = yield* sessions.list(principal)
      assert.deepStrictEqual(
        listed.map(({ current, createdAt }) => ({ current, createdAt })),
        [
          { current: false, createdAt: now + 1_000 },
          { current: true, createdAt: now }
        ]
      )
      assert.isTrue(yield* sessions.endOne(principal, listed[0]?.sessionId ?? SessionId.make("none")))
      assert.strictEqual(yield* access(second), "revoked")
      assert.strictEqual(yield* refusal(second), "revoked")
      assert.strictEqual(yield* access(first), "testuser")
      assert.deepStrictEqual(yield* reasonsHeard, ["revoked"])
      assert.strictEqual((yield* sessions.list(principal)).length, 1)
    })
  )

  test(
    "are nobody else's to end, or to see",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const his = yield* loggedIn
      const { sessionId } = yield* sessions.authenticate(his.accessToken)
      const auth = yield* Auth
      yield* auth.register({ ...testuser, username: "mallory" })
      const { tokens } = yield* auth.login({ ...testuser, username: "mallory", ip: "192.0.2.1" })
      const mallory = yield* sessions.authenticate(tokens.accessToken)
      assert.isFalse(yield* sessions.endOne(mallory, sessionId))
      assert.isFalse(yield* sessions.endOne(mallory, SessionId.make("none")))
      assert.strictEqual((yield* sessions.list(mallory)).length, 1)
      assert.strictEqual(yield* sessions.endAll(mallory.userId), 1)
      assert.strictEqual(yield* access(his), "testuser")
    })
  )

  test(
    "end all together, and their sockets hear of it before the answer",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const all = [yield* loggedIn, yield* another, yield* another]
      const { userId } = yield* sessions.authenticate(all[0]!.accessToken)
      assert.strictEqual(yield* sessions.endAll(userId), 3)
      assert.deepStrictEqual(yield* reasonsHeard, ["revoked", "revoked", "revoked"])
      for (const tokens of all) assert.strictEqual(yield* access(tokens), "revoked")
    })
  )

  test(
    "that were ended in the store itself are told to the sockets, and no others",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const [one, two] = [yield* loggedIn, yield* another]
      const gone = (yield* sessions.authenticate(one.accessToken)).sessionId
      const alive = (yield* sessions.authenticate(two.accessToken)).sessionId
      yield* (yield* SessionStore).remove(gone)
      yield* sessions.endLost([alive, gone])
      assert.deepStrictEqual(
        (yield* Heard).filter((signal) => signal._tag === "SessionEnded").map(({ sessionId }) => sessionId),
        [gone]
      )
      assert.strictEqual(yield* access(one), "revoked")
    })
  )
})

const unavailable = Effect.fail(new StoreUnavailable({ store: "sessions", detail: "down" }))
const down = { now: false }

/** Answers as the store does, or that it is down. */
const guarded =
  <Args extends ReadonlyArray<unknown>, A>(method: (...args: Args) => Effect.Effect<A, StoreUnavailable>) =>
  (...args: Args): Effect.Effect<A, StoreUnavailable> =>
    Effect.suspend(() => (down.now ? unavailable : method(...args)))

describe("the session store", () => {
  const flaky = Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => {
      return {
        create: guarded(store.create),
        find: guarded(store.find),
        rotate: guarded(store.rotate),
        markUsed: guarded(store.markUsed),
        remove: guarded(store.remove),
        listOf: guarded(store.listOf),
        living: guarded(store.living),
        removeAllOf: guarded(store.removeAllOf),
        removeExpired: guarded(store.removeExpired)
      }
    })
  ).pipe(Layer.provide(memoryStore))

  test(
    "that is down is said to be down, and no session ends of it",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const tokens = yield* loggedIn
      const principal = yield* sessions.authenticate(tokens.accessToken)
      down.now = true
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* access(tokens), "StoreUnavailable")
      assert.strictEqual(yield* refusal(tokens), "StoreUnavailable")
      assert.strictEqual((yield* Effect.flip(sessions.end(principal)))._tag, "StoreUnavailable")
      assert.strictEqual(
        (yield* Effect.flip((yield* Auth).login({ ...testuser, ip: "192.0.2.1" })))._tag,
        "StoreUnavailable"
      )
      assert.deepStrictEqual(yield* reasonsHeard, [])
      // A purge that fails is tried again an hour later.
      yield* TestClock.adjust("1 hour")
      down.now = false
      yield* TestClock.adjust("24 hours")
      assert.isTrue(Option.isNone(yield* (yield* SessionStore).find(principal.sessionId)))
    }),
    accounts({}, Layer.merge(users, flaky))
  )

  test(
    "forgets expired sessions within the hour, all of them, and keeps the others",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const store = yield* SessionStore
      const profile = yield* (yield* Users).create({ username: "bobbob", fullName: "Bob Bobson", passwordHash: "-" })
      const idOf = (tokens: TokenPair) =>
        Effect.map(sessions.authenticate(tokens.accessToken), ({ sessionId }) => sessionId)
      const old: Array<SessionId> = []
      for (let turn = 0; turn < 1_200; turn++) old.push(yield* idOf(yield* sessions.open(profile)))
      yield* TestClock.adjust("12 hours")
      const young = yield* idOf(yield* sessions.open(profile))
      yield* TestClock.adjust("13 hours")
      for (const sessionId of old) assert.isTrue(Option.isNone(yield* store.find(sessionId)))
      assert.isTrue(Option.isSome(yield* store.find(young)))
    })
  )

  const writes: Array<string> = []
  const counted = Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => ({
      ...store,
      markUsed: (use: Parameters<typeof store.markUsed>[0]) => {
        writes.push(use.accessHash)
        return store.markUsed(use)
      }
    }))
  ).pipe(Layer.provide(memoryStore))

  test(
    "hears of a pair's use once, and only where somebody may still ask",
    Effect.gen(function* () {
      const first = yield* loggedIn
      for (let turn = 0; turn < 5; turn++) yield* access(first)
      assert.deepStrictEqual(writes, [])
      const second = yield* refresh(first)
      for (let turn = 0; turn < 5; turn++) yield* access(second)
      assert.strictEqual(writes.length, 1)
      const third = yield* refresh(second)
      yield* TestClock.adjust(10_000)
      for (let turn = 0; turn < 5; turn++) yield* access(third)
      assert.strictEqual(writes.length, 1)
    }),
    accounts({}, Layer.merge(users, counted))
  )
})

describe("an access token that was found good", () => {
  const asked: Array<SessionId> = []
  const counting = Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => ({
      ...store,
      find: (sessionId: SessionId) => {
        asked.push(sessionId)
        return store.find(sessionId)
      }
    }))
  ).pipe(Layer.provide(memoryStore))
  const counted = accounts({}, Layer.merge(users, counting))

  test(
    "is believed for a second, and the store is not asked meanwhile",
    Effect.gen(function* () {
      const { accessToken } = yield* loggedIn
      const sessions = yield* Sessions
      asked.length = 0
      assert.strictEqual(sessions.recent(Redacted.value(accessToken)), undefined)
      for (let turn = 0; turn < 5; turn++) yield* sessions.authenticate(accessToken)
      yield* TestClock.adjust(999)
      assert.strictEqual(sessions.recent(Redacted.value(accessToken))?.username, "testuser")
      assert.strictEqual(asked.length, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(sessions.recent(Redacted.value(accessToken)), undefined)
      yield* sessions.authenticate(accessToken)
      assert.strictEqual(asked.length, 2)
    }),
    counted
  )

  test(
    "is not believed past its own end",
    Effect.gen(function* () {
      const tokens = yield* loggedIn
      yield* TestClock.adjust(15 * 60_000 - 500)
      assert.strictEqual(yield* access(tokens), "testuser")
      yield* TestClock.adjust(500)
      assert.strictEqual(yield* access(tokens), "expired")
    })
  )

  test(
    "is refused at once where this process ended its session, by logout or by the replay of a refresh token",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const out = yield* loggedIn
      yield* sessions.end(yield* sessions.authenticate(out.accessToken))
      assert.strictEqual(sessions.recent(Redacted.value(out.accessToken)), undefined)
      assert.strictEqual(yield* access(out), "revoked")
      const old = (yield* (yield* Auth).login({ ...testuser, ip: "192.0.2.1" })).tokens
      const current = yield* refresh(old)
      assert.strictEqual(yield* access(current), "testuser")
      assert.strictEqual(yield* refusal(old), "replayed")
      assert.strictEqual(yield* access(current), "revoked")
    })
  )

  const read = Deferred.makeUnsafe<void>()
  const arrives = Deferred.makeUnsafe<void>()
  /** Once the clock was moved, what was read waits for `arrives`. */
  const late = Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => ({
      ...store,
      find: (sessionId: SessionId) =>
        Effect.gen(function* () {
          const found = yield* store.find(sessionId)
          if ((yield* Clock.currentTimeMillis) === now) return found
          yield* Deferred.succeed(read, undefined)
          yield* Deferred.await(arrives)
          return found
        })
    }))
  ).pipe(Layer.provide(memoryStore))

  test(
    "is not believed where its session ended while the store was asked",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { accessToken } = yield* loggedIn
      const principal = yield* sessions.authenticate(accessToken)
      yield* TestClock.adjust(1_000)
      const asking = yield* Effect.forkChild(sessions.authenticate(accessToken), { startImmediately: true })
      yield* Deferred.await(read)
      yield* sessions.end(principal)
      yield* Deferred.succeed(arrives, undefined)
      assert.strictEqual((yield* Fiber.join(asking)).username, "testuser")
      assert.strictEqual(sessions.recent(Redacted.value(accessToken)), undefined)
    }),
    accounts({}, Layer.merge(users, late))
  )
})
