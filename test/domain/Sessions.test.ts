import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Redacted, Scope } from "effect"
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

const now = Date.UTC(2026, 0, 31, 9, 10)

type Services = Layer.Success<ReturnType<typeof accounts>>

const test = (says: string, run: Effect.Effect<void, unknown, Services | Scope.Scope>, layer = accounts()) =>
  // The clock first: a jump of years would be a purge for each hour of them.
  it.effect(says, () => Effect.andThen(TestClock.setTime(now), run.pipe(Effect.provide(layer))))

const texts = ({ accessToken, refreshToken }: TokenPair) => [Redacted.value(accessToken), Redacted.value(refreshToken)]

/** What the server says to an access token: a name or a reason. */
const access = (tokens: TokenPair) =>
  Effect.flatMap(Sessions, (sessions) => sessions.authenticate(tokens.accessToken)).pipe(
    Effect.match({
      onSuccess: (principal) => principal.username,
      onFailure: (error) => (error._tag === "InvalidToken" ? error.reason : error._tag)
    })
  )

const refresh = (tokens: TokenPair) => Effect.flatMap(Sessions, (sessions) => sessions.refresh(tokens.refreshToken))

const refusal = (tokens: TokenPair) =>
  Effect.map(Effect.flip(refresh(tokens)), (error) => (error._tag === "InvalidToken" ? error.reason : error._tag))

const reasonsHeard = Effect.map(Heard, (heard) =>
  heard.flatMap((signal) => (signal._tag === "SessionEnded" ? [signal.reason] : []))
)

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

describe("a refresh", () => {
  test(
    "gives two living tokens and ends the old pair with the new one's first use",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      assert.strictEqual(new Set([...texts(old), ...texts(pair)]).size, 4)
      assert.strictEqual(yield* access(pair), "testuser")
      assert.strictEqual(yield* access(old), "revoked")
      assert.strictEqual(yield* refusal(old), "replayed")
    })
  )

  test(
    "leaves the old access token to requests under way for 10 s at most",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      assert.strictEqual(yield* access(old), "testuser")
      yield* TestClock.adjust(9_999)
      assert.strictEqual(yield* access(old), "testuser")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* access(old), "revoked")
      assert.strictEqual(yield* access(pair), "testuser")
    })
  )

  test(
    "counts a session's life anew",
    Effect.gen(function* () {
      const old = yield* loggedIn
      yield* TestClock.adjust("23 hours")
      const pair = yield* refresh(old)
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* access(pair), "expired")
      assert.strictEqual(yield* access(yield* refresh(pair)), "testuser")
    })
  )

  test(
    "of 100 at once makes one pair, the same for all",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pairs = yield* Effect.all(
        Array.from({ length: 100 }, () => refresh(old)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(pairs.map((pair) => texts(pair).join(" "))).size, 1)
      assert.notStrictEqual(pairs[0]?.refreshExpiresAt, undefined)
      assert.strictEqual(yield* access(pairs[99] ?? old), "testuser")
    })
  )

  test(
    "that is repeated within 10 s, the new pair unused, gets the identical pair",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      for (const wait of [0, 1_500, 8_499]) {
        yield* TestClock.adjust(wait)
        const again = yield* refresh(old)
        assert.deepStrictEqual(texts(again), texts(pair))
        assert.strictEqual(again.refreshExpiresAt, pair.refreshExpiresAt)
      }
      assert.strictEqual(yield* access(pair), "testuser")
      assert.deepStrictEqual(yield* reasonsHeard, [])
    })
  )

  test(
    "that is repeated after 10 s ends the session and all its pairs",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      yield* TestClock.adjust(10_000)
      assert.strictEqual(yield* refusal(old), "replayed")
      assert.strictEqual(yield* access(pair), "revoked")
      assert.strictEqual(yield* refusal(pair), "revoked")
      assert.deepStrictEqual(yield* reasonsHeard, ["replayed"])
    })
  )

  test(
    "that is repeated after the new access token was used ends the session",
    Effect.gen(function* () {
      const old = yield* loggedIn
      const pair = yield* refresh(old)
      assert.strictEqual(yield* access(pair), "testuser")
      assert.strictEqual(yield* refusal(old), "replayed")
      assert.strictEqual(yield* access(pair), "revoked")
      assert.deepStrictEqual(yield* reasonsHeard, ["replayed"])
    })
  )

  test(
    "that is repeated after the new refresh token was used ends the session, however many pairs lie between",
    Effect.gen(function* () {
      const first = yield* loggedIn
      const second = yield* refresh(first)
      const third = yield* refresh(second)
      const fourth = yield* refresh(third)
      assert.strictEqual(yield* refusal(first), "replayed")
      for (const pair of [second, third, fourth]) {
        assert.strictEqual(yield* access(pair), "revoked")
        assert.strictEqual(yield* refusal(pair), "revoked")
      }
    })
  )

  test(
    "after a replay leaves the user's other sessions alone",
    Effect.gen(function* () {
      const first = yield* loggedIn
      const other = (yield* (yield* Auth).login({ ...testuser, ip: "192.0.2.1" })).tokens
      yield* refresh(yield* refresh(first))
      assert.strictEqual(yield* refusal(first), "replayed")
      assert.strictEqual(yield* access(other), "testuser")
    })
  )

  test(
    "after a day is refused as expired",
    Effect.gen(function* () {
      const tokens = yield* loggedIn
      yield* TestClock.adjust("24 hours")
      assert.strictEqual(yield* refusal(tokens), "expired")
    })
  )

  test(
    "takes no access token, and no door takes a refresh token",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { accessToken, refreshToken } = yield* loggedIn
      const wrong = [
        yield* Effect.flip(sessions.refresh(accessToken)),
        yield* Effect.flip(sessions.authenticate(refreshToken))
      ]
      for (const error of wrong) assert.deepInclude(error, { _tag: "InvalidToken", reason: "wrong_type" })
    })
  )

  test(
    "of a forged token for somebody's session changes nothing for him",
    Effect.gen(function* () {
      const tokens = yield* loggedIn
      const [head, body] = Redacted.value(tokens.refreshToken).split(".")
      const forged = { ...tokens, refreshToken: Redacted.make(`${head}.${body}.${"A".repeat(43)}`) }
      assert.strictEqual(yield* refusal(forged), "malformed")
      assert.strictEqual(yield* access(tokens), "testuser")
      yield* refresh(tokens)
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
