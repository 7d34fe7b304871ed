import { expect, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layer as subscriptionTokens } from "../../../src/adapters/crypto/SubscriptionTokens.ts"
import { RoomTokens } from "../../../src/ports/RoomTokens.ts"
import { subscriptionSecret, subscriptionToken } from "../../support/SubscriptionToken.ts"

const claims = { sub: "testuser", channel: "$staff", exp: 1_000 }

const verify = (token: string) => Effect.flatMap(RoomTokens, (tokens) => tokens.verify(Redacted.make(token)))
const reasonOf = (token: string) => Effect.map(Effect.flip(verify(token)), ({ reason }) => reason)

layer(subscriptionTokens(Redacted.make(subscriptionSecret)))("a subscription token", (it) => {
  it.effect("says who may enter which room, until when", () =>
    Effect.gen(function* () {
      expect(yield* verify(subscriptionToken(claims))).toEqual({
        user: "testuser",
        room: "$staff",
        expiresAt: 1_000_000
      })
      // Centrifugo's backends write the type, and claims of their own.
      const typed = subscriptionToken({ ...claims, info: { a: 1 } }, { header: { alg: "HS256", typ: "JWT" } })
      expect(yield* verify(typed)).toMatchObject({ room: "$staff" })
    })
  )

  it.effect("may end within a second, and as late as it likes: what is told fits 32 bits of seconds", () =>
    Effect.gen(function* () {
      const endOf = (exp: number) =>
        Effect.map(verify(subscriptionToken({ ...claims, exp })), ({ expiresAt }) => expiresAt)
      expect(yield* endOf(1_000.7509)).toBe(1_000_750)
      yield* TestClock.setTime(500_000)
      const farthest = 500_000 + (2 ** 31 - 1) * 1_000
      for (const exp of [1_764_000_000_000, Number.MAX_SAFE_INTEGER, 1e300, Number.MAX_VALUE]) {
        expect(yield* endOf(exp)).toBe(farthest)
      }
      expect(yield* endOf(2 ** 31)).toBe(2 ** 31 * 1_000)
      yield* TestClock.setTime(0)
    })
  )

  it.effect("of another secret, another algorithm, without a claim or with a wrong one is none", () =>
    Effect.gen(function* () {
      const { channel: _channel, ...noChannel } = claims
      const { exp: _exp, ...noEnd } = claims
      const { sub: _sub, ...nobody } = claims
      const wrong = [
        "",
        "a.b.c",
        subscriptionToken(claims, { secret: `${subscriptionSecret}!` }),
        subscriptionToken(claims, { header: { alg: "none" } }),
        subscriptionToken(claims, { header: { alg: "HS512" } }),
        `${subscriptionToken(claims).split(".").slice(0, 2).join(".")}.`,
        ...[noChannel, noEnd, nobody, { ...claims, channel: "no room" }, { ...claims, sub: 7 }].map((some) =>
          subscriptionToken(some)
        ),
        subscriptionToken({ ...claims, exp: "1000" }),
        subscriptionToken({ ...claims, padding: "x".repeat(4_096) })
      ]
      for (const token of wrong) expect(yield* reasonOf(token), token.slice(0, 200)).toBe("malformed")
    })
  )

  it.effect("is over at its end, by the second", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(999_999)
      yield* verify(subscriptionToken(claims))
      yield* TestClock.setTime(1_000_000)
      expect(yield* reasonOf(subscriptionToken(claims))).toBe("expired")
    })
  )
})

layer(subscriptionTokens(undefined))("without a secret", (it) => {
  it.effect("no subscription token is good, not even one that an empty secret signed", () =>
    Effect.gen(function* () {
      for (const secret of [subscriptionSecret, "", "undefined"]) {
        expect(yield* reasonOf(subscriptionToken(claims, { secret }))).toBe("malformed")
      }
    })
  )
})
