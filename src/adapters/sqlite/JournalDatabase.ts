import { randomUUID } from "node:crypto"
import { chmodSync, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { JournalFile } from "./JournalProtocol.ts"
import { asText, isDamage, restoreIt, sqliteFailure } from "./SqliteFailure.ts"

const schemaVersion = 2

/** Files up to this size are checked as a whole when they are opened (about 5 ms a MiB); what is larger is checked as it is read. */
const quickCheckBytes = 32 * 1024 * 1024

/** How long a statement waits for another process that holds the file, milliseconds. */
const busyTimeoutMillis = 2_000

/** Why a file is not opened, as one line about it. */
class UnusableFile extends Error {}

/**
 * One row a batch, not one an event: rows and index entries are what a commit costs. `entries` is a JSON array, so that
 * `sqlite3` reads it with `json_each`. Rows stand in the order of their commits, so that a commit of many rooms fills few pages.
 * Their numbers are a column, which VACUUM leaves as they are.
 */
const batches = `
create table batches (row integer primary key, room integer not null, first integer not null, count integer not null, entries text not null);
create table positions (room integer not null, first integer not null, row integer not null, primary key (room, first)) without rowid;
`

/**
 * `positions` finds a batch by its room. Each room's entry is on another page of it, so it is written for many commits at once:
 * up to which row says `indexed` in `meta`.
 * Only ids that clients sent are in `client_ids`; the id comes first, so that ids made in order of time stay on few pages.
 */
const schema = `
create table meta (key text primary key, value text not null) without rowid;
create table rooms (id integer primary key, name text not null unique);
${batches}
create table client_ids (key text not null, room integer not null, seq integer not null, primary key (key, room)) without rowid;
`

/** Puts into `positions` what the commits since the last time have stored. Part of the transaction that is open. */
export const indexBatches = `
insert into positions (room, first, row)
  select room, first, row from batches where row > (select cast(value as integer) from meta where key = 'indexed') order by room, first;
update meta set value = (select coalesce(max(row), 0) from batches) where key = 'indexed';
`

/** Schema 1 had no row numbers that last, and an index that every commit wrote. */
const fromSchema1 = `
begin immediate;
alter table batches rename to batches_1;
${batches}
insert into batches (room, first, count, entries) select room, first, count, entries from batches_1 order by rowid;
drop table batches_1;
insert into meta (key, value) values ('indexed', '0');
${indexBatches}
update meta set value = '2' where key = 'schema_version';
commit;
`

/** Opens the journal's file to write, creates it where there is none, and refuses one that is damaged, newer or not a journal. */
export const openToWrite = (file: JournalFile): { readonly db: DatabaseSync; readonly epoch: string } =>
  opening(() => {
    const db = new DatabaseSync(file.path, { timeout: busyTimeoutMillis })
    return closingOnFailure(db, () => {
      const epoch = existingEpoch(db) ?? createEpoch(db, file)
      if (statSync(file.path).size <= quickCheckBytes) quickCheck(db)
      // Checkpoints are run by the store: SQLite's own would swallow their I/O errors.
      db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0")
      db.exec("pragma journal_size_limit = 134217728")
      if (file.maximumPages !== undefined) db.exec(`pragma max_page_count = ${Math.trunc(file.maximumPages)}`)
      return { db, epoch }
    })
  })

/** Opens a file that `openToWrite` has opened, to read beside the writer. */
export const openToRead = (file: JournalFile): DatabaseSync =>
  opening(() => new DatabaseSync(file.path, { readOnly: true, timeout: busyTimeoutMillis }))

const damaged = (detail: string): string => `it is damaged (${detail.replaceAll("\n", " ")}): ${restoreIt}`

const opening = <A>(open: () => A): A => {
  try {
    return open()
  } catch (error) {
    if (error instanceof UnusableFile) throw error
    const failure = sqliteFailure(error)
    throw new UnusableFile(isDamage(failure) ? damaged(failure.detail) : failure.detail)
  }
}

const closingOnFailure = <A>(db: DatabaseSync, use: () => A): A => {
  try {
    return use()
  } catch (error) {
    db.close()
    throw error
  }
}

/** Undefined where the file is empty. A file that is not ours stays as it is; a journal of an older schema gets this one's. */
const existingEpoch = (db: DatabaseSync): string | undefined => {
  const tables = new Set(
    db
      .prepare("select name from sqlite_schema where type = 'table'")
      .all()
      .map((row) => row["name"])
  )
  if (tables.size === 0) return undefined
  if (!tables.has("meta") || !tables.has("batches")) throw new UnusableFile("it is a database, but not a journal")
  const read = db.prepare("select value from meta where key = ?")
  const version = Number(asText(read.get("schema_version")?.["value"]))
  if (version > schemaVersion) {
    throw new UnusableFile(`it was written by a newer release (schema ${version}, this one knows ${schemaVersion})`)
  }
  if (version === 1) db.exec(fromSchema1)
  else if (version !== schemaVersion) throw new UnusableFile(`its schema version is ${version}`)
  return asText(read.get("epoch")?.["value"])
}

const createEpoch = (db: DatabaseSync, file: JournalFile): string => {
  const epoch = randomUUID()
  db.exec(`begin immediate; ${schema}`)
  const write = db.prepare("insert into meta (key, value) values (?, ?)")
  write.run("schema_version", String(schemaVersion))
  write.run("epoch", epoch)
  write.run("indexed", "0")
  db.exec("commit")
  chmodSync(file.path, 0o600)
  return epoch
}

const quickCheck = (db: DatabaseSync): void => {
  const result = db.prepare("pragma quick_check(1)").get()?.["quick_check"]
  if (result !== "ok") throw new UnusableFile(damaged(String(result)))
}
