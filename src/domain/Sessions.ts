import { Clock, Context, Effect, Layer, Option, Redacted, Schedule, Schema } from "effect"
import { SessionSignals } from "../ports/SessionSignals.ts"
import { SessionStore } from "../ports/SessionStore.ts"
import type { ListedSession, StoredPair, StoredSession } from "../ports/SessionStore.ts"
import { TokenSigner } from "../ports/TokenSigner.ts"
import type { StoreUnavailable } from "../ports/Users.ts"
import { SessionId } from "./Account.ts"
import type { Principal, Profile, UserId } from "./Account.ts"
import { RecentTokens } from "./RecentTokens.ts"

export interface TokenPair {
  readonly accessToken: Redacted.Redacted<string>
  readonly refreshToken: Redacted.Redacted<string>
  /** Milliseconds since 1970 UTC. */
  readonly refreshExpiresAt: number
}

/** The token is not one of ours that is valid now. `reason` is for the log and the close code, the reply may say it. */
export class InvalidToken extends Schema.TaggedError<InvalidToken>()("InvalidToken", {
  reason: Schema.Literals(["malformed", "expired", "wrong_type", "revoked", "replayed"])
}) {}

export interface SessionsOptions {
  /** How long an access token lives, in milliseconds, rounded up to a second. Never longer than the refresh token. */
  readonly accessTtlMillis: number
  readonly refreshTtlMillis: number
}

export interface OpenedSession extends TokenPair {
  readonly sessionId: SessionId
}

/** One of somebody's own sessions; `current` is the one that asks. */
export interface OwnSession extends ListedSession {
  readonly current: boolean
}

/** So many sessions are listed, those renewed last; ending all of them ends those that are not listed, too. */
export const listedSessions = 100

/** How many sessions the store is asked for at a time. */
const livingBatch = 500

/** How long after a rotation the pair before it may still be shown, as long as the new one is unused. */
const graceMillis = 10_000
/** Expired sessions are forgotten once an hour, so many at a time: a purge never holds the store for long. */
const purgeEvery = "1 hour"
const purgeBatch = 500

/**
 * Logins and their tokens. A login is a session (a family of token pairs) of which one pair is current. **A pair dies when its successor
 * is first used, or 10 s after its successor was made**, its access token with its refresh token: until then a client whose reply was lost, and
 * requests that were under way, are served. Ending the session ends all its pairs at once.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** A new session: several of one user live side by side, and no two have a token in common. */
    readonly open: (profile: Profile) => Effect.Effect<OpenedSession, StoreUnavailable>
    /**
     * Who shows this access token. Asks the store, at most once a second a token: a session that this process ended is `revoked` at once, one that was ended in the store
     * itself within a second.
     */
    readonly authenticate: (
      accessToken: Redacted.Redacted<string>
    ) => Effect.Effect<Principal, InvalidToken | StoreUnavailable>
    /** The same for a token that was found good within the last second; `undefined` says nothing. */
    readonly recent: (accessToken: string) => Principal | undefined
    /**
     * Rotates. N racing refreshes of one token make one pair. Within 10 s, while the new pair is unused, a retry gets the identical pair;
     * after its use, or after 10 s, the replay ends the whole family (`replayed`).
     */
    readonly refresh: (
      refreshToken: Redacted.Redacted<string>
    ) => Effect.Effect<TokenPair, InvalidToken | StoreUnavailable>
    /** Logout. When this answers, the session is gone from the store and its sockets in this process are closed. */
    readonly end: (principal: Principal) => Effect.Effect<void, StoreUnavailable>
    /** His sessions that have not expired, those renewed last first, `listedSessions` at most. */
    readonly list: (principal: Principal) => Effect.Effect<ReadonlyArray<OwnSession>, StoreUnavailable>
    /** Ends one session of his, as `end` does; false where he has none of this id. */
    readonly endOne: (principal: Principal, sessionId: SessionId) => Effect.Effect<boolean, StoreUnavailable>
    /**
     * Ends every session of the user but `except`, as `end` does, and says how many. On a failure some may be gone: their sockets are found by `endLost`.
     */
    readonly endAll: (userId: UserId, except?: SessionId) => Effect.Effect<number, StoreUnavailable>
    /** Which of these the store does not have any more, because somebody ended them there: their sockets in this process are closed. */
    readonly endLost: (sessionIds: ReadonlyArray<SessionId>) => Effect.Effect<void, StoreUnavailable>
  }
>()("parley/domain/Sessions") {
  static readonly layer = (
    options: SessionsOptions
  ): Layer.Layer<Sessions, never, SessionStore | SessionSignals | TokenSigner> => Layer.effect(Sessions, make(options))
}

const make = Effect.fnUntraced(function* (options: SessionsOptions) {
  const store = yield* SessionStore
  const signals = yield* SessionSignals
  const signer = yield* TokenSigner

  const clock = yield* Clock.Clock
  const recent = new RecentTokens()
  /** After the store was changed, whatever it answered: what was known of the session is asked anew. */
  const forget = (sessionId: SessionId) => Effect.sync(() => recent.forget(sessionId))

  type PairPlan = Omit<StoredPair, "accessHash" | "refreshHash">

  const plan = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const refreshExpiresAt = inWholeSeconds(now + options.refreshTtlMillis)
    return {
      accessId: yield* signer.freshId,
      refreshId: yield* signer.freshId,
      issuedAt: Math.floor(now / 1_000) * 1_000,
      accessExpiresAt: Math.min(inWholeSeconds(now + options.accessTtlMillis), refreshExpiresAt),
      refreshExpiresAt
    }
  })

  const sign = Effect.fnUntraced(function* (
    { fullName, userId, username }: Profile,
    sessionId: SessionId,
    pair: PairPlan & Partial<StoredPair>
  ) {
    const claims = { userId, username, fullName, sessionId, issuedAt: pair.issuedAt }
    const access = { ...claims, tokenId: pair.accessId, expiresAt: pair.accessExpiresAt }
    const refresh = { ...claims, tokenId: pair.refreshId, expiresAt: pair.refreshExpiresAt }
    const tokens: TokenPair = {
      accessToken: yield* signer.sign("access", access, pair.accessHash),
      refreshToken: yield* signer.sign("refresh", refresh, pair.refreshHash),
      refreshExpiresAt: pair.refreshExpiresAt
    }
    return tokens
  })

  const toStored = (pair: PairPlan, tokens: TokenPair): StoredPair => ({
    ...pair,
    accessHash: signer.fingerprint(tokens.accessToken),
    refreshHash: signer.fingerprint(tokens.refreshToken)
  })

  const verify = (kind: "access" | "refresh", token: Redacted.Redacted<string>) =>
    signer.verify(kind, token).pipe(Effect.mapError(({ reason }) => new InvalidToken({ reason })))

  // Between the store and the signal nothing may come, not even a client that hung up: its sockets would outlive the session.
  const endFamily = (sessionId: SessionId, reason: "logout" | "revoked" | "replayed") =>
    store
      .remove(sessionId)
      .pipe(
        Effect.ensuring(forget(sessionId)),
        Effect.andThen(signals.publish({ _tag: "SessionEnded", sessionId, reason })),
        Effect.uninterruptible
      )

  /** The store has them no more: whoever holds something of theirs hears of it now. */
  const ended = (sessionIds: ReadonlyArray<SessionId>) =>
    Effect.forEach(
      sessionIds,
      (sessionId) =>
        Effect.andThen(forget(sessionId), signals.publish({ _tag: "SessionEnded", sessionId, reason: "revoked" })),
      { discard: true }
    )

  const find = (sessionId: SessionId) =>
    Effect.flatMap(
      store.find(sessionId),
      Option.match({
        onNone: () => Effect.fail(new InvalidToken({ reason: "revoked" })),
        onSome: (session) => Effect.succeed(session)
      })
    )

  const open = Effect.fn("Sessions.open")(function* (profile: Profile) {
    const sessionId = SessionId.make(yield* signer.freshId)
    const pair = yield* plan
    const tokens = yield* sign(profile, sessionId, pair)
    yield* store.create({ sessionId, userId: profile.userId, pair: toStored(pair, tokens) })
    return { ...tokens, sessionId }
  })

  const askStore = Effect.fn("Sessions.authenticate")(function* (accessToken: Redacted.Redacted<string>) {
    const { expiresAt, fullName, sessionId, userId, username } = yield* verify("access", accessToken)
    const session = yield* find(sessionId)
    const now = yield* Clock.currentTimeMillis
    const accessHash = signer.fingerprint(accessToken)
    const inGrace = isInGrace(session, now)
    if (session.pair.accessHash === accessHash) {
      // Once the grace is over nobody asks any more whether the pair was used: then no write at all.
      if (inGrace) yield* store.markUsed({ sessionId, accessHash, at: now })
    } else if (!inGrace || session.previous?.accessHash !== accessHash) {
      return yield* new InvalidToken({ reason: "revoked" })
    }
    const principal: Principal = { userId, username, fullName, sessionId, expiresAt }
    // In the time of grace each use counts.
    if (!inGrace) recent.keep(Redacted.value(accessToken), principal, now)
    return principal
  })

  const authenticate = (accessToken: Redacted.Redacted<string>) =>
    Effect.suspend(() => {
      const known = recent.find(Redacted.value(accessToken), clock.currentTimeMillisUnsafe())
      if (known !== undefined) return Effect.succeed(known)
      recent.asking()
      return Effect.ensuring(
        askStore(accessToken),
        Effect.sync(() => recent.answered())
      )
    })

  const refresh = Effect.fn("RefreshToken")(function* (refreshToken: Redacted.Redacted<string>) {
    const claims = yield* verify("refresh", refreshToken)
    const { sessionId } = claims
    const shown = signer.fingerprint(refreshToken)

    if ((yield* find(sessionId)).pair.refreshHash === shown) {
      const pair = yield* plan
      const tokens = yield* sign(claims, sessionId, pair)
      const at = yield* Clock.currentTimeMillis
      const rotated = store.rotate({ sessionId, from: shown, pair: toStored(pair, tokens), at })
      if (yield* Effect.ensuring(rotated, forget(sessionId))) return tokens
    }

    // Not the current pair's, or another refresh was faster: what stands there now was made out of the token that is shown, or it is a replay.
    const session = yield* find(sessionId)
    if (session.previous?.refreshHash === shown && isInGrace(session, yield* Clock.currentTimeMillis)) {
      return yield* sign(claims, sessionId, session.pair)
    }
    yield* Effect.logWarning("a refresh token was replayed: its session is ended").pipe(
      Effect.annotateLogs({ sessionId, userId: claims.userId })
    )
    yield* endFamily(sessionId, "replayed")
    return yield* new InvalidToken({ reason: "replayed" })
  })

  const list = Effect.fn("Sessions.list")(function* ({ sessionId, userId }: Principal) {
    const now = yield* Clock.currentTimeMillis
    const listed = yield* store.listOf({ userId, now, limit: listedSessions })
    return listed.map((session) => ({ ...session, current: session.sessionId === sessionId }))
  })

  const endOne = Effect.fn("Sessions.endOne")(function* ({ userId }: Principal, sessionId: SessionId) {
    const session = Option.getOrUndefined(yield* store.find(sessionId))
    if (session?.userId !== userId) return false
    yield* endFamily(sessionId, "revoked")
    return true
  })

  const endAll = Effect.fn("Sessions.endAll")((userId: UserId, except?: SessionId) =>
    store.removeAllOf(userId, except).pipe(
      Effect.tap(ended),
      Effect.map((sessionIds) => sessionIds.length),
      Effect.uninterruptible
    )
  )

  const endLost = Effect.fn("Sessions.endLost")(function* (sessionIds: ReadonlyArray<SessionId>) {
    for (let from = 0; from < sessionIds.length; from += livingBatch) {
      const asked = sessionIds.slice(from, from + livingBatch)
      const living = new Set(yield* store.living(asked))
      yield* ended(asked.filter((sessionId) => !living.has(sessionId)))
    }
  })

  const purge = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    while ((yield* store.removeExpired(now, purgeBatch)) > 0) yield* Effect.yieldNow
  }).pipe(
    Effect.catchTag("StoreUnavailable", ({ detail }) => Effect.logWarning("expired sessions were not purged", detail))
  )
  yield* Effect.forkScoped(Effect.repeat(purge, Schedule.spaced(purgeEvery)))

  return {
    open,
    authenticate,
    recent: (accessToken: string) => recent.find(accessToken, clock.currentTimeMillisUnsafe()),
    refresh,
    end: Effect.fn("LogoutUser")(({ sessionId }: Principal) => endFamily(sessionId, "logout")),
    list,
    endOne,
    endAll,
    endLost
  }
})

const inWholeSeconds = (millis: number): number => Math.ceil(millis / 1_000) * 1_000

/** Whether the pair before the current one may still be shown. */
const isInGrace = ({ previous, usedAt }: StoredSession, now: number): boolean =>
  previous !== undefined && usedAt === undefined && now - previous.rotatedAt < graceMillis
