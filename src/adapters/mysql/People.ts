import { Effect, Layer } from "effect"
import type { SessionStore } from "../../ports/SessionStore.ts"
import type { Users } from "../../ports/Users.ts"
import { layer as sessionStore } from "../sql/SessionStore.ts"
import { layer as users } from "../sql/Users.ts"
import { withDeadline } from "./Deadline.ts"
import { dedicatedConnection } from "./DedicatedConnection.ts"
import type { ConnectionFault } from "./DedicatedConnection.ts"
import { DatabaseUnusable, databaseUnusable } from "./DatabaseUnusable.ts"
import { flavourOf, serverVersion } from "./Flavour.ts"
import { migrate } from "./Migrations.ts"
import { deadlineOf } from "./MysqlOptions.ts"
import { layer as pooledClient } from "./PooledClient.ts"
import type { PoolOptions } from "./PooledClient.ts"

/** Lets whatever it is that went wrong be said in one line that names a variable. */
const inWords =
  (options: PoolOptions) =>
  (error: ConnectionFault | DatabaseUnusable): DatabaseUnusable =>
    error._tag === "MysqlUnusable" ? error : databaseUnusable(options, error.cause)

/**
 * Looks at the server and brings the tables of its database to this release's version (see `Migrations`). Answers the names of the
 * migrations that were run.
 */
export const prepareDatabase = (options: PoolOptions): Effect.Effect<ReadonlyArray<string>, DatabaseUnusable> =>
  Effect.gen(function* () {
    const connection = yield* dedicatedConnection(options)
    const flavour = yield* flavourOf(yield* serverVersion(connection), `${options.host}:${options.port}`)
    return yield* migrate(connection, flavour, options.database)
  }).pipe(Effect.scoped, Effect.mapError(inWords(options)))

/**
 * Users and sessions in MySQL (8.0.17 or newer) or MariaDB (10.6 or newer). What was answered is as durable as the server is set up to be
 * (`innodb_flush_log_at_trx_commit=1`, `sync_binlog=1`).
 *
 * **At start** the server must be there: it has `connectTimeoutMillis` and, to each question, `deadlineMillis`; then the layer fails with
 * one line. Only a migration of large tables may take longer.
 *
 * **Later** a call that the server does not answer within `deadlineMillis` fails as `StoreUnavailable`, and may yet have been carried
 * out. When the server is back, so are the stores.
 */
export const layer = (options: PoolOptions): Layer.Layer<Users | SessionStore, DatabaseUnusable> => {
  const client = pooledClient(options).pipe(
    Layer.catchTag("SqlError", (error) =>
      Layer.effectContext(Effect.fail(databaseUnusable(options, error.reason.cause)))
    )
  )
  const stores = Layer.merge(users, sessionStore).pipe(Layer.provide(client), withDeadline(deadlineOf(options)))
  return Layer.unwrap(Effect.as(prepareDatabase(options), stores))
}
