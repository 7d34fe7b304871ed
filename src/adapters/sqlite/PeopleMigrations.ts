import { Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/**
 * The versions of `people.db`, numbered from 1 without a hole; one that was released is never changed.
 *
 * Tables and columns are named as in the original application. SQLite compares text exactly unless told otherwise: no collation here.
 */
export const peopleMigrations: Record<string, Effect.Effect<void, SqlError, SqlClient>> = {
  "0001_users_and_sessions": Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`CREATE TABLE users (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      username VARCHAR(20) UNIQUE NOT NULL,
      password VARCHAR(255) NOT NULL,
      full_name VARCHAR(100) NOT NULL,
      created_at TIMESTAMP,
      updated_at TIMESTAMP
    )`
    // token and refresh_token hold SHA-256 hashes; unique, so that no two logins can ever share a token.
    yield* sql`CREATE TABLE user_sessions (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      user_id INTEGER NOT NULL,
      token VARCHAR(255) UNIQUE NOT NULL,
      refresh_token VARCHAR(255) UNIQUE NOT NULL,
      token_expired TIMESTAMP NOT NULL,
      refresh_token_expired TIMESTAMP NOT NULL,
      created_at TIMESTAMP,
      updated_at TIMESTAMP,
      session_id VARCHAR(64) UNIQUE NOT NULL,
      token_jti VARCHAR(64) NOT NULL,
      refresh_token_jti VARCHAR(64) NOT NULL,
      issued_at BIGINT NOT NULL,
      previous_token VARCHAR(64),
      previous_refresh_token VARCHAR(64),
      rotated_at BIGINT,
      used_at BIGINT,
      FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    )`
    yield* sql`CREATE INDEX user_sessions_user_id ON user_sessions (user_id)`
    yield* sql`CREATE INDEX user_sessions_refresh_token_expired ON user_sessions (refresh_token_expired)`
  })
}
