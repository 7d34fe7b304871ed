import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { SessionId, UserId } from "../../domain/Account.ts"
import { SessionStore } from "../../ports/SessionStore.ts"
import type { StoredPair, StoredSession } from "../../ports/SessionStore.ts"
import { affectedRows } from "./AffectedRows.ts"
import { storeFailure } from "./StoreFailure.ts"
import { Timestamp, toTimestamp } from "./Timestamp.ts"

const Row = Schema.Struct({
  session_id: SessionId,
  user_id: UserId,
  token: Schema.String,
  refresh_token: Schema.String,
  token_expired: Timestamp,
  refresh_token_expired: Timestamp,
  token_jti: Schema.String,
  refresh_token_jti: Schema.String,
  issued_at: Schema.Int,
  previous_token: Schema.NullOr(Schema.String),
  previous_refresh_token: Schema.NullOr(Schema.String),
  rotated_at: Schema.NullOr(Schema.Int),
  used_at: Schema.NullOr(Schema.Int)
})
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const Listed = Schema.Struct({
  session_id: SessionId,
  created_at: Schema.NullOr(Timestamp),
  issued_at: Schema.Int,
  refresh_token_expired: Timestamp
})
const decodeListed = Schema.decodeUnknownEffect(Schema.Array(Listed))
const decodeIds = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ session_id: SessionId })))

/** Ids that one DELETE names: well below every dialect's bound on placeholders. */
const idsAStatement = 500

const failed = (operation: string) => Effect.mapError(storeFailure("sessions", operation))

/**
 * The table `user_sessions` of any dialect that `SqlClient` speaks: one row a session. `token` and `refresh_token` hold SHA-256 hashes;
 * `issued_at`, `rotated_at` and `used_at` are milliseconds. The statements are plain SQL: no RETURNING, no LIMIT in a DELETE.
 */
export const layer: Layer.Layer<SessionStore, never, SqlClient> = Layer.effect(
  SessionStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const create = Effect.fn("SessionStore.create")(function* (session: {
      readonly sessionId: SessionId
      readonly userId: UserId
      readonly pair: StoredPair
    }) {
      const now = toTimestamp(yield* Clock.currentTimeMillis)
      const { pair, sessionId, userId } = session
      yield* sql`INSERT INTO user_sessions (session_id, user_id, token, refresh_token, token_expired,
          refresh_token_expired, token_jti, refresh_token_jti, issued_at, created_at, updated_at)
        VALUES (${sessionId}, ${userId}, ${pair.accessHash}, ${pair.refreshHash}, ${toTimestamp(pair.accessExpiresAt)},
          ${toTimestamp(pair.refreshExpiresAt)}, ${pair.accessId}, ${pair.refreshId}, ${pair.issuedAt}, ${now}, ${now})`
    }, failed("create a session"))

    const find = Effect.fn("SessionStore.find")(function* (sessionId: SessionId) {
      const rows = yield* sql`SELECT session_id, user_id, token, refresh_token, token_expired, refresh_token_expired,
          token_jti, refresh_token_jti, issued_at, previous_token, previous_refresh_token, rotated_at, used_at
        FROM user_sessions WHERE session_id = ${sessionId}`
      const [row] = yield* decodeRows(rows)
      return row === undefined ? Option.none() : Option.some(toSession(row))
    }, failed("find a session"))

    // The previous hashes are set first: MySQL evaluates assignments from left to right and sees what it set before.
    const rotate = Effect.fn("SessionStore.rotate")(function* (rotation: {
      readonly sessionId: SessionId
      readonly from: string
      readonly pair: StoredPair
      readonly at: number
    }) {
      const { at, from, pair, sessionId } = rotation
      const rows = yield* affectedRows(sql`UPDATE user_sessions SET
          previous_token = token, previous_refresh_token = refresh_token,
          token = ${pair.accessHash}, refresh_token = ${pair.refreshHash},
          token_expired = ${toTimestamp(pair.accessExpiresAt)},
          refresh_token_expired = ${toTimestamp(pair.refreshExpiresAt)},
          token_jti = ${pair.accessId}, refresh_token_jti = ${pair.refreshId}, issued_at = ${pair.issuedAt},
          rotated_at = ${at}, used_at = NULL, updated_at = ${toTimestamp(at)}
        WHERE session_id = ${sessionId} AND refresh_token = ${from}`)
      return rows > 0
    }, failed("rotate a session"))

    const markUsed = Effect.fn("SessionStore.markUsed")(function* (use: {
      readonly sessionId: SessionId
      readonly accessHash: string
      readonly at: number
    }) {
      yield* sql`UPDATE user_sessions SET used_at = ${use.at}
        WHERE session_id = ${use.sessionId} AND token = ${use.accessHash} AND used_at IS NULL`
    }, failed("note a pair's first use"))

    const remove = Effect.fn("SessionStore.remove")(function* (sessionId: SessionId) {
      return (yield* affectedRows(sql`DELETE FROM user_sessions WHERE session_id = ${sessionId}`)) > 0
    }, failed("end a session"))

    const listOf = Effect.fn("SessionStore.listOf")(function* (query: {
      readonly userId: UserId
      readonly now: number
      readonly limit: number
    }) {
      const rows = yield* sql`SELECT session_id, created_at, issued_at, refresh_token_expired FROM user_sessions
        WHERE user_id = ${query.userId} AND refresh_token_expired > ${toTimestamp(query.now)}
        ORDER BY issued_at DESC, session_id LIMIT ${query.limit}`
      return (yield* decodeListed(rows)).map((row) => ({
        sessionId: row.session_id,
        createdAt: row.created_at ?? row.issued_at,
        renewedAt: row.issued_at,
        expiresAt: row.refresh_token_expired
      }))
    }, failed("list a user's sessions"))

    const living = Effect.fn("SessionStore.living")(function* (sessionIds: ReadonlyArray<SessionId>) {
      if (sessionIds.length === 0) return []
      const rows = yield* sql`SELECT session_id FROM user_sessions WHERE ${sql.in("session_id", sessionIds)}`
      return (yield* decodeIds(rows)).map((row) => row.session_id)
    }, failed("look for sessions"))

    const removeAllOf = Effect.fn("SessionStore.removeAllOf")(function* (userId: UserId, except?: SessionId) {
      const rows = yield* decodeIds(yield* sql`SELECT session_id FROM user_sessions WHERE user_id = ${userId}`)
      const ids = rows.map((row) => row.session_id).filter((sessionId) => sessionId !== except)
      for (let from = 0; from < ids.length; from += idsAStatement) {
        yield* sql`DELETE FROM user_sessions WHERE ${sql.in("session_id", ids.slice(from, from + idsAStatement))}`
      }
      return ids
    }, failed("end a user's sessions"))

    const removeExpired = Effect.fn("SessionStore.removeExpired")(function* (now: number, limit: number) {
      const before = toTimestamp(now)
      const rows = yield* sql`SELECT session_id FROM user_sessions WHERE refresh_token_expired <= ${before}
        ORDER BY refresh_token_expired LIMIT ${Math.min(limit, idsAStatement)}`
      const ids = (yield* decodeIds(rows)).map((row) => row.session_id)
      if (ids.length === 0) return 0
      return yield* affectedRows(sql`DELETE FROM user_sessions
        WHERE ${sql.in("session_id", ids)} AND refresh_token_expired <= ${before}`)
    }, failed("purge expired sessions"))

    return { create, find, rotate, markUsed, listOf, living, remove, removeAllOf, removeExpired }
  })
)

const toSession = (row: typeof Row.Type): StoredSession => ({
  sessionId: row.session_id,
  userId: row.user_id,
  pair: {
    accessHash: row.token,
    refreshHash: row.refresh_token,
    accessId: row.token_jti,
    refreshId: row.refresh_token_jti,
    issuedAt: row.issued_at,
    accessExpiresAt: row.token_expired,
    refreshExpiresAt: row.refresh_token_expired
  },
  previous:
    row.previous_token === null || row.previous_refresh_token === null || row.rotated_at === null
      ? undefined
      : { accessHash: row.previous_token, refreshHash: row.previous_refresh_token, rotatedAt: row.rotated_at },
  usedAt: row.used_at ?? undefined
})
