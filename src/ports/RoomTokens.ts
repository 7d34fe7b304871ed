import { Context, Schema } from "effect"
import type { Effect, Redacted } from "effect"
import { RoomName } from "../domain/Room.ts"

/** What a subscription token says: who (`""`: a guest) may enter which room, until when (milliseconds since 1970 UTC). */
export const RoomClaims = Schema.Struct({ user: Schema.String, room: RoomName, expiresAt: Schema.Int })
export type RoomClaims = typeof RoomClaims.Type

/** The text is no subscription token that the backend signed, its time is over, or none is believed, since no secret is set. */
export class RoomTokenRejected extends Schema.TaggedError<RoomTokenRejected>()("RoomTokenRejected", {
  reason: Schema.Literals(["malformed", "expired"])
}) {}

/**
 * Subscription tokens (JWT, RFC 7519), signed by the application's own backend with a secret that signs nothing else: claims `sub` (a username, empty for guests), `channel`
 * (the room), `exp`. One algorithm is accepted, every claim is required; expiry is judged by Effect's clock.
 */
export class RoomTokens extends Context.Service<
  RoomTokens,
  { readonly verify: (token: Redacted.Redacted<string>) => Effect.Effect<RoomClaims, RoomTokenRejected> }
>()("parley/ports/RoomTokens") {}
