import { assert, describe } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Auth } from "../../src/domain/Auth.ts"
import { Sessions } from "../../src/domain/Sessions.ts"
import { loggedIn, testuser } from "../support/Accounts.ts"
import { access, reasonsHeard, refresh, refusal, test, texts } from "../support/SessionTests.ts"

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
