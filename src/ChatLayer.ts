import { Effect, Layer } from "effect"
import type { Redacted } from "effect"
import { layer as passwordHasher } from "./adapters/crypto/PasswordHasher.ts"
import { layer as subscriptionTokens } from "./adapters/crypto/SubscriptionTokens.ts"
import { layer as tokenSigner } from "./adapters/crypto/TokenSigner.ts"
import { layerWithTail } from "./adapters/journal/MessageHistory.ts"
import { layer as rateLimiter } from "./adapters/memory/RateLimiter.ts"
import { layer as sessionSignals } from "./adapters/memory/SessionSignals.ts"
import { ChatSockets } from "./adapters/ws/ChatSockets.ts"
import type { ChatSocketsOptions } from "./adapters/ws/ChatSockets.ts"
import { Auth } from "./domain/Auth.ts"
import { EngineStats } from "./domain/EngineStats.ts"
import { GuestNames } from "./domain/GuestNames.ts"
import { Limits } from "./domain/Limits.ts"
import { Readiness } from "./domain/Readiness.ts"
import { RoomAccess } from "./domain/RoomAccess.ts"
import { RoomRegistry } from "./domain/RoomRegistry.ts"
import type { RoomRegistryOptions } from "./domain/RoomRegistry.ts"
import { Rooms } from "./domain/Rooms.ts"
import { Sessions } from "./domain/Sessions.ts"

export interface ChatOptions {
  /** Signs the tokens; at least 32 bytes. */
  readonly secret: Redacted.Redacted<string>
  /** Those before it, whose tokens are still good. */
  readonly previousSecrets?: ReadonlyArray<Redacted.Redacted<string>>
  /** Signs the subscription tokens that open private rooms; at least 32 bytes. Without it they stay closed. */
  readonly subscriptionSecret?: Redacted.Redacted<string> | undefined
  readonly accessTtlMillis: number
  readonly refreshTtlMillis: number
  /** 0 is no limit. */
  readonly loginsPerMinute: number
  /** bcrypt; 10 by default. */
  readonly passwordCost?: number
  readonly sockets: ChatSocketsOptions
  readonly rooms?: RoomRegistryOptions
}

const historyWithTails = Layer.unwrap(
  Effect.map(RoomRegistry, (registry) =>
    layerWithTail((name) => {
      const room = registry.inMemory(name)
      if (room?.state === undefined) return undefined
      return { head: room.published, entriesAfter: (after, limit) => room.tail.entriesAfter(after, limit) }
    })
  )
)

const hasher = ({ passwordCost }: ChatOptions) =>
  Layer.unwrap(
    Effect.map(EngineStats, ({ hashes }) =>
      passwordHasher({ counts: hashes, ...(passwordCost === undefined ? {} : { cost: passwordCost }) })
    )
  )

/** A whole chat but for its stores (journal, users, sessions), which it asks for, and its doors, which are built on it. */
export const chatLayer = (options: ChatOptions) =>
  Layer.mergeAll(ChatSockets.layer(options.sockets), Auth.layer(options), Rooms.layer).pipe(
    Layer.provideMerge(
      Layer.merge(
        historyWithTails,
        RoomAccess.layer.pipe(Layer.provide(subscriptionTokens(options.subscriptionSecret)))
      )
    ),
    Layer.provideMerge(Layer.mergeAll(RoomRegistry.layer(options.rooms), Sessions.layer(options), GuestNames.layer)),
    Layer.provideMerge(Limits.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        Readiness.layer,
        rateLimiter(),
        sessionSignals,
        tokenSigner({ secret: options.secret, previous: options.previousSecrets ?? [] }),
        hasher(options)
      ).pipe(Layer.provideMerge(EngineStats.layer))
    )
  )
