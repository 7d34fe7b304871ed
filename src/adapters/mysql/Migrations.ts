import { Effect } from "effect"
import type { ConnectionFault, DedicatedConnection } from "./DedicatedConnection.ts"
import { DatabaseUnusable } from "./DatabaseUnusable.ts"
import type { Flavour } from "./Flavour.ts"
import { lockName } from "./LockName.ts"
import { sessionsTable } from "./migrations/SessionsTable.ts"
import { usersTable } from "./migrations/UsersTable.ts"

/** What a migration works with. `run` has no deadline of its own: to rebuild a large table takes as long as it takes. */
export interface MigrationContext {
  readonly flavour: Flavour
  readonly run: DedicatedConnection["query"]
}

/**
 * One version of the tables. MySQL commits every change of a table by itself, so a migration may be cut off after any of its statements:
 * each looks at what is there and does what is missing, and may be run again.
 */
export type Migration = (context: MigrationContext) => Effect.Effect<void, ConnectionFault | DatabaseUnusable>

/** Numbered from 1 in this order; one that was released is never changed. */
const migrations: ReadonlyArray<readonly [name: string, migration: Migration]> = [
  ["users", usersTable],
  ["user_sessions", sessionsTable]
]

const day = 86_400_000
/** How long one process waits while another migrates, unless told otherwise. */
const usualWaitSeconds = 20

/**
 * Brings the tables of the connection's database to this release's version: makes them where there are none, takes over those of the
 * original application. One process at a time, under a lock of the server that ends with the connection. Answers the names of
 * what was run.
 */
export const migrate = (
  connection: DedicatedConnection,
  flavour: Flavour,
  database: string,
  lockWaitSeconds = usualWaitSeconds
): Effect.Effect<ReadonlyArray<string>, ConnectionFault | DatabaseUnusable> =>
  Effect.gen(function* () {
    const run = withoutDeadline(connection)
    const lock = lockName("migrations", database)
    const [got] = yield* run("SELECT GET_LOCK(?, ?) AS got", [lock, lockWaitSeconds])
    if (Number(got?.["got"]) !== 1) {
      return yield* unusable(
        "busy",
        `another process has been changing the tables of ${JSON.stringify(database)} for ${lockWaitSeconds} seconds`
      )
    }
    yield* run(`CREATE TABLE IF NOT EXISTS parley_migrations (
      version INT PRIMARY KEY, name VARCHAR(64) NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    ) ENGINE=InnoDB`)
    const [newest] = yield* run("SELECT MAX(version) AS version FROM parley_migrations")
    const version = Number(newest?.["version"] ?? 0)
    if (version > migrations.length) {
      return yield* unusable(
        "newer",
        `the tables of ${JSON.stringify(database)} have version ${version}, this release knows up to ${migrations.length}`
      )
    }
    const applied: Array<string> = []
    for (const [at, [name, migration]] of migrations.entries()) {
      if (at < version) continue
      yield* migration({ flavour, run })
      yield* run("INSERT INTO parley_migrations (version, name) VALUES (?, ?)", [at + 1, name])
      applied.push(name)
    }
    yield* run("DO RELEASE_LOCK(?)", [lock])
    return applied
  })

const withoutDeadline =
  (connection: DedicatedConnection): DedicatedConnection["query"] =>
  (sql, values) =>
    connection.query(sql, values, day)

const unusable = (problem: DatabaseUnusable["problem"], detail: string) =>
  Effect.fail(new DatabaseUnusable({ variable: "DB_NAME", problem, detail }))
