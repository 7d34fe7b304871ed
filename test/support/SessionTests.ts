import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Sessions } from "../../src/domain/Sessions.ts"
import type { TokenPair } from "../../src/domain/Sessions.ts"
import { Heard, accounts } from "./Accounts.ts"

export const now = Date.UTC(2026, 0, 31, 9, 10)

type Services = Layer.Success<ReturnType<typeof accounts>>

export const test = (says: string, run: Effect.Effect<void, unknown, Services | Scope.Scope>, layer = accounts()) =>
  // The clock first: a jump of years would be a purge for each hour of them.
  it.effect(says, () => Effect.andThen(TestClock.setTime(now), run.pipe(Effect.provide(layer))))

export const texts = ({ accessToken, refreshToken }: TokenPair) => [
  Redacted.value(accessToken),
  Redacted.value(refreshToken)
]

/** What the server says to an access token: a name or a reason. */
export const access = (tokens: TokenPair) =>
  Effect.flatMap(Sessions, (sessions) => sessions.authenticate(tokens.accessToken)).pipe(
    Effect.match({
      onSuccess: (principal) => principal.username,
      onFailure: (error) => (error._tag === "InvalidToken" ? error.reason : error._tag)
    })
  )

export const refresh = (tokens: TokenPair) =>
  Effect.flatMap(Sessions, (sessions) => sessions.refresh(tokens.refreshToken))

export const refusal = (tokens: TokenPair) =>
  Effect.map(Effect.flip(refresh(tokens)), (error) => (error._tag === "InvalidToken" ? error.reason : error._tag))

export const reasonsHeard = Effect.map(Heard, (heard) =>
  heard.flatMap((signal) => (signal._tag === "SessionEnded" ? [signal.reason] : []))
)
