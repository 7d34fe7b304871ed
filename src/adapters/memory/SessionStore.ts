import { Clock, Effect, Layer, Option } from "effect"
import type { SessionId } from "../../domain/Account.ts"
import { SessionStore } from "../../ports/SessionStore.ts"
import type { StoredSession } from "../../ports/SessionStore.ts"

/** Sessions that last as long as the process. Grows with the sessions that have not expired. */
export const layer: Layer.Layer<SessionStore> = Layer.sync(SessionStore, () => {
  const sessions = new Map<SessionId, StoredSession>()
  const createdAt = new Map<SessionId, number>()
  const remove = (sessionId: SessionId) => {
    createdAt.delete(sessionId)
    return sessions.delete(sessionId)
  }

  const removeWhere = (matches: (session: StoredSession) => boolean, limit: number) => {
    const removed: Array<SessionId> = []
    for (const session of sessions.values()) {
      if (removed.length >= limit) break
      if (!matches(session)) continue
      remove(session.sessionId)
      removed.push(session.sessionId)
    }
    return removed
  }

  return {
    create: (session) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        sessions.set(session.sessionId, { ...session, previous: undefined, usedAt: undefined })
        createdAt.set(session.sessionId, Math.floor(now / 1_000) * 1_000)
      }),
    find: (sessionId) => Effect.sync(() => Option.fromUndefinedOr(sessions.get(sessionId))),
    rotate: ({ sessionId, from, pair, at }) =>
      Effect.sync(() => {
        const session = sessions.get(sessionId)
        if (session === undefined || session.pair.refreshHash !== from) return false
        const { accessHash, refreshHash } = session.pair
        const previous = { accessHash, refreshHash, rotatedAt: at }
        sessions.set(sessionId, { ...session, pair, previous, usedAt: undefined })
        return true
      }),
    markUsed: ({ sessionId, accessHash, at }) =>
      Effect.sync(() => {
        const session = sessions.get(sessionId)
        if (session === undefined || session.pair.accessHash !== accessHash || session.usedAt !== undefined) return
        sessions.set(sessionId, { ...session, usedAt: at })
      }),
    listOf: ({ limit, now, userId }) =>
      Effect.sync(() =>
        Array.from(sessions.values())
          .filter((session) => session.userId === userId && session.pair.refreshExpiresAt > now)
          .map(({ pair, sessionId }) => ({
            sessionId,
            createdAt: createdAt.get(sessionId) ?? pair.issuedAt,
            renewedAt: pair.issuedAt,
            expiresAt: pair.refreshExpiresAt
          }))
          .toSorted((one, other) => other.renewedAt - one.renewedAt || (one.sessionId < other.sessionId ? -1 : 1))
          .slice(0, limit)
      ),
    living: (sessionIds) => Effect.sync(() => sessionIds.filter((sessionId) => sessions.has(sessionId))),
    remove: (sessionId) => Effect.sync(() => remove(sessionId)),
    removeAllOf: (userId, except) =>
      Effect.sync(() =>
        removeWhere((session) => session.userId === userId && session.sessionId !== except, Number.POSITIVE_INFINITY)
      ),
    removeExpired: (now, limit) =>
      Effect.sync(() => removeWhere((session) => session.pair.refreshExpiresAt <= now, limit).length)
  }
})
