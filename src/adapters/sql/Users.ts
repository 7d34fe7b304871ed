import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { UserId } from "../../domain/Account.ts"
import { Users, UsernameTaken } from "../../ports/Users.ts"
import { affectedRows } from "./AffectedRows.ts"
import { storeFailure } from "./StoreFailure.ts"
import { toTimestamp } from "./Timestamp.ts"

const Row = Schema.Struct({ id: UserId, username: Schema.String, password: Schema.String, full_name: Schema.String })
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/**
 * The table `users` of any dialect that `SqlClient` speaks. The migrations give `username` a unique index that compares exactly
 * (binary, trailing blanks included): this code relies on it.
 */
export const layer: Layer.Layer<Users, never, SqlClient> = Layer.effect(
  Users,
  Effect.gen(function* () {
    const sql = yield* SqlClient

    const select = (username: string) =>
      sql`SELECT id, username, password, full_name FROM users WHERE username = ${username}`.pipe(
        Effect.flatMap((rows) => decodeRows(rows))
      )

    const findByUsername = Effect.fn("Users.findByUsername")(function* (username: string) {
      const [row] = yield* select(username).pipe(Effect.mapError(storeFailure("users", "find a user")))
      return row === undefined
        ? Option.none()
        : Option.some({
            userId: row.id,
            username: row.username,
            fullName: row.full_name,
            passwordHash: row.password
          })
    })

    const create = Effect.fn("Users.create")(function* (user: {
      readonly username: string
      readonly fullName: string
      readonly passwordHash: string
    }) {
      const now = toTimestamp(yield* Clock.currentTimeMillis)
      yield* sql`INSERT INTO users (username, password, full_name, created_at, updated_at)
        VALUES (${user.username}, ${user.passwordHash}, ${user.fullName}, ${now}, ${now})`.pipe(
        Effect.mapError((error) =>
          error.reason._tag === "UniqueViolation"
            ? new UsernameTaken({ username: user.username })
            : storeFailure("users", "create a user")(error)
        )
      )
      const [row] = yield* select(user.username).pipe(Effect.mapError(storeFailure("users", "read the user created")))
      if (row === undefined) return yield* Effect.die(new Error("a user that was just inserted is not there"))
      return { userId: row.id, username: row.username, fullName: row.full_name }
    })

    const replacePasswordHash = Effect.fn("Users.replacePasswordHash")(
      function* (change: { readonly userId: UserId; readonly from: string; readonly to: string }) {
        const now = toTimestamp(yield* Clock.currentTimeMillis)
        const rows = yield* affectedRows(sql`UPDATE users SET password = ${change.to}, updated_at = ${now}
        WHERE id = ${change.userId} AND password = ${change.from}`)
        return rows > 0
      },
      Effect.mapError(storeFailure("users", "change a password"))
    )

    return { create, findByUsername, replacePasswordHash }
  })
)
