import { Effect, Layer, Option } from "effect"
import type { SessionId } from "../../domain/Account.ts"
import { SessionStore } from "../../ports/SessionStore.ts"
import type { StoredSession } from "../../ports/SessionStore.ts"

/** Sessions that last as long as the process. Grows with the sessions that have not expired. */
export const layer: Layer.Layer<SessionStore> = Layer.sync(SessionStore, () => {
  const sessions = new Map<SessionId, StoredSession>()

  const removeWhere = (matches: (session: StoredSession) => boolean, limit: number) => {
    const removed: Array<SessionId> = []
    for (const session of sessions.values()) {
      if (removed.length >= limit) break
      if (!matches(session)) continue
      sessions.delete(session.sessionId)
      removed.push(session.sessionId)
    }
    return removed
  }

  return {
    create: (session) =>
      Effect.sync(() => {
        sessions.set(session.sessionId, { ...session, previous: undefined, usedAt: undefined })
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
    remove: (sessionId) => Effect.sync(() => sessions.delete(sessionId)),
    removeAllOf: (userId) => Effect.sync(() => removeWhere((session) => session.userId === userId, Infinity)),
    removeExpired: (now, limit) =>
      Effect.sync(() => removeWhere((session) => session.pair.refreshExpiresAt <= now, limit).length)
  }
})
