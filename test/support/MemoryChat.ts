import { Effect, Layer, Redacted } from "effect"
import { layer as memoryJournal } from "../../src/adapters/memory/Journal.ts"
import { layer as memorySessionStore } from "../../src/adapters/memory/SessionStore.ts"
import { layer as memoryUsers } from "../../src/adapters/memory/Users.ts"
import type { ChatOptions } from "../../src/ChatLayer.ts"
import { Auth } from "../../src/domain/Auth.ts"
import { subscriptionSecret } from "./SubscriptionToken.ts"

/** A chat without limits, with subscription tokens and cheap hashes. */
export const memoryChatOptions: ChatOptions = {
  secret: Redacted.make("a secret for tests alone, 32 bytes and more"),
  subscriptionSecret: Redacted.make(subscriptionSecret),
  accessTtlMillis: 15 * 60_000,
  refreshTtlMillis: 24 * 3_600_000,
  loginsPerMinute: 0,
  passwordCost: 4,
  sockets: { guests: "allow", messageRate: 0, messageBurst: 0, socketsPerUser: 0, socketsPerAddress: 0 }
}

export const memoryStores = Layer.mergeAll(memoryJournal, memoryUsers, memorySessionStore)

/** An account, logged in: its access token. */
export const memoryAccount = (username: string) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const password = Redacted.make("password123")
    yield* auth.register({ username, password, fullName: username })
    const { tokens } = yield* auth.login({ username, password, ip: "192.0.2.1" })
    return tokens.accessToken
  })
