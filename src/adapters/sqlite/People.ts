import { closeSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { Effect, Layer } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SessionStore } from "../../ports/SessionStore.ts"
import type { Users } from "../../ports/Users.ts"
import { layer as sessionStore } from "../sql/SessionStore.ts"
import { layer as users } from "../sql/Users.ts"
import { DatabaseUnusable, databaseUnusable } from "./DatabaseUnusable.ts"
import { peopleMigrations } from "./PeopleMigrations.ts"

export interface PeopleOptions {
  /** Where `people.db` lies; made where it is missing. */
  readonly directory: string
}

const migrationsTable = "parley_migrations"
/** `node:sqlite` waits on the main thread: longer would stall the chat. Nobody but an operator's tool should hold the lock. */
const busyTimeoutMillis = 1_000

/**
 * Users and sessions in one SQLite file, `people.db`: what was answered is on disk (WAL, `synchronous=FULL`). The file is its
 * owner's alone (mode 0600), since it holds password hashes.
 */
export const layer = (options: PeopleOptions): Layer.Layer<Users | SessionStore, DatabaseUnusable> => {
  const file = join(options.directory, "people.db")
  const opened = Layer.unwrap(
    examine(options.directory, file).pipe(
      Effect.as(SqliteClient.layer({ filename: file, spanAttributes: { "db.namespace": "people" } }))
    )
  )
  const prepared = Layer.effectDiscard(
    prepare.pipe(
      Effect.mapError((error) => databaseUnusable(file, error._tag === "SqlError" ? error.reason.cause : error))
    )
  )
  return Layer.merge(users, sessionStore).pipe(Layer.provide(Layer.provideMerge(prepared, opened)))
}

/** Opens the file once by hand, since the client dies of what a user should read: no directory, no database, a newer one. */
const examine = (directory: string, file: string) =>
  Effect.try({
    try: () => {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      closeSync(openSync(file, "a", 0o600))
      const database = new DatabaseSync(file, { timeout: busyTimeoutMillis })
      try {
        database.exec("PRAGMA journal_mode = WAL")
        // A lock for writing, taken and given back: a read-only file says so now and not at the first login.
        database.exec("BEGIN IMMEDIATE; ROLLBACK")
        return { damage: damageOf(database), version: versionOf(database) }
      } finally {
        database.close()
      }
    },
    catch: (thrown) => databaseUnusable(file, thrown)
  }).pipe(
    Effect.flatMap(({ damage, version }) => {
      if (damage !== undefined) return Effect.fail(new DatabaseUnusable({ file, problem: "corrupt", detail: damage }))
      const known = Object.keys(peopleMigrations).length
      if (version <= known) return Effect.void
      const detail = `it has version ${version}, this release knows up to ${known}`
      return Effect.fail(new DatabaseUnusable({ file, problem: "newer", detail }))
    })
  )

const damageOf = (database: DatabaseSync): string | undefined => {
  const found = String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"])
  return found === "ok" ? undefined : found.replaceAll("\n", " ")
}

const versionOf = (database: DatabaseSync): number => {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(migrationsTable)
  if (table === undefined) return 0
  return Number(database.prepare(`SELECT max(migration_id) AS version FROM ${migrationsTable}`).get()?.["version"] ?? 0)
}

const prepare = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`PRAGMA busy_timeout = ${sql.literal(String(busyTimeoutMillis))}`
  yield* sql`PRAGMA synchronous = FULL`
  yield* sql`PRAGMA foreign_keys = ON`
  yield* Migrator.make({})({ loader: Migrator.fromRecord(peopleMigrations), table: migrationsTable })
})
