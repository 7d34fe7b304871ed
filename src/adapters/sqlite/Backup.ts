import { randomUUID } from "node:crypto"
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { DatabaseSync, backup } from "node:sqlite"
import { Data, Effect } from "effect"
import { openToWrite } from "./JournalDatabase.ts"

/** A backup or a restore did not happen; nothing was overwritten. `message` is one line that says what to do. */
export class BackupFailed extends Data.TaggedError("BackupFailed")<{ readonly message: string }> {}

/**
 * In this order: an account is never deleted, so whoever wrote a message of the journal's copy is in the copy of the people, which is younger.
 */
const files = ["journal.db", "people.db"] as const

/** All pages in one step: a step holds one snapshot, and steps of a file that is written meanwhile begin again for ever. */
const allPages = 0x7fff_ffff
const busyTimeoutMillis = 10_000

const attempt = <A>(what: string, run: () => A | Promise<A>): Effect.Effect<A, BackupFailed> =>
  Effect.tryPromise({
    try: async () => run(),
    catch: (error) =>
      error instanceof BackupFailed
        ? error
        : new BackupFailed({ message: `${what} failed (${error instanceof Error ? error.message : String(error)})` })
  })

const refuse = (message: string): never => {
  throw new BackupFailed({ message })
}

const sync = (path: string): void => {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** As one file, without a write-ahead log beside it, and whole. */
const finish = (path: string, change: (database: DatabaseSync) => void): void => {
  const database = new DatabaseSync(path)
  try {
    const found = String(database.prepare("pragma integrity_check(1)").get()?.["integrity_check"])
    if (found !== "ok") refuse(`${path} is damaged: ${found.replaceAll("\n", " ")}`)
    change(database)
    database.exec("pragma journal_mode = delete")
  } finally {
    database.close()
  }
  chmodSync(path, 0o600)
  sync(path)
}

const copyOf = async (source: string, target: string): Promise<void> => {
  const database = new DatabaseSync(source, { readOnly: true, timeout: busyTimeoutMillis })
  try {
    await backup(database, target, { rate: allPages })
  } finally {
    database.close()
  }
  finish(target, () => {})
}

/**
 * Copies the databases in `dataDir` into `directory`, which must not be there yet, while a server goes on writing them: each copy is one moment of its file. What was
 * acknowledged before this began is in it. The directory gets its name when everything in it was checked and is on the disk. The signing secret is not copied.
 */
export const backUp = (dataDir: string, directory: string): Effect.Effect<void, BackupFailed> =>
  attempt("the backup", async () => {
    const target = resolve(directory)
    if (existsSync(target))
      refuse(`${directory} is there already: name a directory that is not, nothing is overwritten`)
    const missing = files.find((file) => !existsSync(join(dataDir, file)))
    if (missing !== undefined) refuse(`DATA_DIR: there is no ${missing} in ${dataDir}, so there is nothing to back up`)
    const draft = `${target}.partial-${process.pid}`
    mkdirSync(draft, { recursive: true, mode: 0o700 })
    try {
      for (const file of files) await copyOf(join(dataDir, file), join(draft, file))
      sync(draft)
      // Fails where somebody else has made the target meanwhile and put something into it.
      renameSync(draft, target)
      sync(dirname(target))
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      throw error
    }
  })

/** Who resumes with the epoch of the log that was is told that his position means nothing here. */
const renewEpoch = (path: string): void => {
  const { db } = openToWrite({ path, maximumPages: undefined })
  try {
    db.prepare("update meta set value = ? where key = 'epoch'").run(randomUUID())
  } finally {
    db.close()
  }
}

/**
 * Puts the databases of a backup into `dataDir`, where none may be. The log gets a new epoch, and every session of the backup ends: one that was ended after it was made must
 * not live again. Whoever calls owns `dataDir`. The files get their names last; one that was stopped between the two leaves `people.db` alone, and
 * the next restore says that it is there.
 */
export const restore = (directory: string, dataDir: string): Effect.Effect<void, BackupFailed> =>
  attempt("the restore", () => {
    const missing = files.find((file) => !existsSync(join(directory, file)))
    if (missing !== undefined) refuse(`${directory} is no backup: there is no ${missing} in it`)
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    // What stands beside a database belongs to it: a foreign write-ahead log would be played into what is restored.
    const there = readdirSync(dataDir).filter((name) => files.some((file) => name.startsWith(file)))
    const kept = there.filter((name) => !name.includes(".restoring"))
    if (kept.length > 0) {
      refuse(
        `DATA_DIR: ${dataDir} holds ${kept.join(", ")}: move it away, or set another DATA_DIR; nothing is overwritten`
      )
    }
    for (const name of there) rmSync(join(dataDir, name), { force: true })
    for (const file of files) {
      const draft = join(dataDir, `${file}.restoring`)
      copyFileSync(join(directory, file), draft)
      if (file === "journal.db") renewEpoch(draft)
      finish(draft, (database) => {
        if (file === "people.db") database.exec("delete from user_sessions")
      })
    }
    for (const file of files.toReversed()) renameSync(join(dataDir, `${file}.restoring`), join(dataDir, file))
    sync(dataDir)
  })
