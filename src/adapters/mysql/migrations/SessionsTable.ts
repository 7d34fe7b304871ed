import { Effect } from "effect"
import type { Migration } from "../Migrations.ts"
import { columnsOf } from "./TableShape.ts"

/**
 * The original application's table `user_sessions`, with what it lacked: hashes in place of tokens, indexes on them, the foreign key.
 * Its sessions hold tokens in plain text and end, all of them: the table is made anew, whatever state it was in.
 */
export const sessionsTable: Migration = (context) =>
  Effect.gen(function* () {
    const { flavour, run } = context
    const found = yield* columnsOf(context, "user_sessions")
    if (found.size > 0 && !found.has("session_id")) yield* run("DROP TABLE user_sessions")
    // GORM makes `users.id` a BIGINT UNSIGNED or an INT, and a foreign key wants the very same type.
    const userId = (yield* columnsOf(context, "users")).get("id")?.type ?? "int"
    yield* run(`CREATE TABLE IF NOT EXISTS user_sessions (
      id BIGINT PRIMARY KEY AUTO_INCREMENT,
      user_id ${userId} NOT NULL,
      token VARCHAR(255) NOT NULL,
      refresh_token VARCHAR(255) NOT NULL,
      token_expired TIMESTAMP NOT NULL DEFAULT '1970-01-02 00:00:00',
      refresh_token_expired TIMESTAMP NOT NULL DEFAULT '1970-01-02 00:00:00',
      created_at TIMESTAMP NULL DEFAULT NULL,
      updated_at TIMESTAMP NULL DEFAULT NULL,
      session_id VARCHAR(64) NOT NULL,
      token_jti VARCHAR(64) NOT NULL,
      refresh_token_jti VARCHAR(64) NOT NULL,
      issued_at BIGINT NOT NULL,
      previous_token VARCHAR(64),
      previous_refresh_token VARCHAR(64),
      rotated_at BIGINT,
      used_at BIGINT,
      UNIQUE KEY user_sessions_session_id (session_id),
      UNIQUE KEY user_sessions_token (token),
      UNIQUE KEY user_sessions_refresh_token (refresh_token),
      KEY user_sessions_user_id (user_id),
      KEY user_sessions_refresh_token_expired (refresh_token_expired),
      CONSTRAINT user_sessions_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ${flavour.exact}`)
  })
