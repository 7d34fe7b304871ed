import { Schema } from "effect"

/** The key of a user's row. */
export const UserId = Schema.Int.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

/** The key of one login: it lives through refreshes and ends at logout, expiry or revocation. Its family, in other words. */
export const SessionId = Schema.NonEmptyString.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/** What a user shows of himself. */
export interface Profile {
  readonly userId: UserId
  readonly username: string
  readonly fullName: string
}

/** Somebody who proved with an access token who he is. */
export interface Principal extends Profile {
  readonly sessionId: SessionId
  /** When the token that was shown expires: milliseconds since 1970 UTC. */
  readonly expiresAt: number
}
