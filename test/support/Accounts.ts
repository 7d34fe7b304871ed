import { Context, Effect, Layer, Redacted } from "effect"
import { layer as passwordHasher } from "../../src/adapters/crypto/PasswordHasher.ts"
import { layer as tokenSigner } from "../../src/adapters/crypto/TokenSigner.ts"
import { layer as rateLimiter } from "../../src/adapters/memory/RateLimiter.ts"
import { layer as sessionSignals } from "../../src/adapters/memory/SessionSignals.ts"
import { layer as sessionStore } from "../../src/adapters/memory/SessionStore.ts"
import { layer as users } from "../../src/adapters/memory/Users.ts"
import { Auth } from "../../src/domain/Auth.ts"
import type { AuthOptions } from "../../src/domain/Auth.ts"
import { Sessions } from "../../src/domain/Sessions.ts"
import { SessionSignals } from "../../src/ports/SessionSignals.ts"
import type { SessionSignal } from "../../src/ports/SessionSignals.ts"

const secret = "a secret of at least thirty-two bytes"
const ttl = { accessTtlMillis: 15 * 60_000, refreshTtlMillis: 24 * 3_600_000 }

/** What was published, oldest first, kept as it was heard. */
export class Heard extends Context.Service<Heard, Array<SessionSignal>>()("parley/test/Heard") {
  static readonly layer = Layer.effect(
    Heard,
    Effect.gen(function* () {
      const heard: Array<SessionSignal> = []
      yield* (yield* SessionSignals).subscribe((signal) => heard.push(signal))
      return heard
    })
  )
}

/** Auth and Sessions over memory, with cheap hashes; `people` takes the place of the stores. */
export const accounts = (options: AuthOptions = {}, people = Layer.merge(users, sessionStore)) => {
  const ports = Layer.mergeAll(
    people,
    sessionSignals,
    rateLimiter(),
    passwordHasher({ cost: 4 }),
    tokenSigner({ secret: Redacted.make(secret) })
  )
  return Auth.layer(options).pipe(
    Layer.provideMerge(Sessions.layer(ttl)),
    Layer.provideMerge(Heard.layer),
    Layer.provideMerge(ports)
  )
}

export const testuser = {
  username: "testuser",
  password: Redacted.make("password123"),
  fullName: "Test User"
}

/** Registered and logged in. */
export const loggedIn = Effect.gen(function* () {
  const auth = yield* Auth
  yield* auth.register(testuser)
  return (yield* auth.login({ ...testuser, ip: "192.0.2.1" })).tokens
})
