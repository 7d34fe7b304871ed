import { Context } from "effect"
import type { Effect, Option } from "effect"
import type { SessionId, UserId } from "../domain/Account.ts"
import type { StoreUnavailable } from "./Users.ts"

/**
 * An access and a refresh token as the store knows them: their SHA-256 (of the whole token, so that a row vouches for exactly one text,
 * signature included) and what it takes to sign the very same tokens again. Who reads the store learns no token.
 * Times are milliseconds since 1970 UTC, in whole seconds.
 */
export interface StoredPair {
  readonly accessHash: string
  readonly refreshHash: string
  readonly accessId: string
  readonly refreshId: string
  readonly issuedAt: number
  readonly accessExpiresAt: number
  readonly refreshExpiresAt: number
}

/** One login and all its refreshes: a family of pairs, of which the current and the hashes of the one before are kept. */
export interface StoredSession {
  readonly sessionId: SessionId
  readonly userId: UserId
  readonly pair: StoredPair
  readonly previous:
    | {
        readonly accessHash: string
        readonly refreshHash: string
        /** When the current pair took its place: milliseconds since 1970 UTC. */
        readonly rotatedAt: number
      }
    | undefined
  /** When the current pair was first used, where `markUsed` noted it. Undefined: not yet. */
  readonly usedAt: number | undefined
}

/** A session as its owner sees it. Times are milliseconds since 1970 UTC. */
export interface ListedSession {
  readonly sessionId: SessionId
  readonly createdAt: number
  /** When the current pair was made: the login, or the last refresh. */
  readonly renewedAt: number
  /** When it ends unless it is refreshed before. */
  readonly expiresAt: number
}

/**
 * The logins that live. Found by session id (which every token names), compared by token hash.
 *
 * **Atomicity.** Each method is atomic, also between processes that share the store. Of N racing `rotate`s from one refresh hash
 * exactly one answers true. What was removed comes back through no other method.
 *
 * **Durability.** As durable as the adapter says when the method answers.
 *
 * **Not here.** Expiry (a session is found until it is purged), grace, replay, signals: those are `Sessions`'.
 */
export class SessionStore extends Context.Service<
  SessionStore,
  {
    /** The session's id and both hashes are new: whoever calls has drawn them at random. The user exists. */
    readonly create: (session: {
      readonly sessionId: SessionId
      readonly userId: UserId
      readonly pair: StoredPair
    }) => Effect.Effect<void, StoreUnavailable>
    readonly find: (sessionId: SessionId) => Effect.Effect<Option.Option<StoredSession>, StoreUnavailable>
    /**
     * Puts `pair` in the place of the pair whose refresh hash is `from`, which becomes the previous one; the new one is unused.
     * False, and nothing changed, where `from` is not the session's current refresh hash or the session is gone.
     */
    readonly rotate: (rotation: {
      readonly sessionId: SessionId
      readonly from: string
      readonly pair: StoredPair
      readonly at: number
    }) => Effect.Effect<boolean, StoreUnavailable>
    /** Notes the first use of the current pair. Nothing where it was noted already or `accessHash` is not the current one. */
    readonly markUsed: (use: {
      readonly sessionId: SessionId
      readonly accessHash: string
      readonly at: number
    }) => Effect.Effect<void, StoreUnavailable>
    /** Ends one session, with its whole family of pairs. False: it was gone. */
    readonly remove: (sessionId: SessionId) => Effect.Effect<boolean, StoreUnavailable>
    /** The user's sessions that have not expired at `now`, those renewed last first, at most `limit` (≥ 1). */
    readonly listOf: (query: {
      readonly userId: UserId
      readonly now: number
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<ListedSession>, StoreUnavailable>
    /** Which of these (500 at most) are there. */
    readonly living: (sessionIds: ReadonlyArray<SessionId>) => Effect.Effect<ReadonlyArray<SessionId>, StoreUnavailable>
    /**
     * Ends the sessions that the user has now, but for `except`, and says which; a login that races it may stay. Not atomic past 500 sessions: where it fails, some
     * may be gone.
     */
    readonly removeAllOf: (
      userId: UserId,
      except?: SessionId
    ) => Effect.Effect<ReadonlyArray<SessionId>, StoreUnavailable>
    /** Forgets at most `limit` (≥ 1) sessions whose refresh token expired at `now` or before; answers how many. */
    readonly removeExpired: (now: number, limit: number) => Effect.Effect<number, StoreUnavailable>
  }
>()("parley/ports/SessionStore") {}
