import { Schema } from "effect"
import { restoreIt } from "./SqliteFailure.ts"

/**
 * A database file that cannot be worked with. `message` is the one line that start-up ends with.
 *
 * - `corrupt`: it is no SQLite database, or a damaged one.
 * - `newer`: a later release of Parley wrote it.
 * - `unwritable`: it or its directory cannot be made, opened or written.
 * - `busy`: another process holds it locked.
 * - `failed`: anything else; `detail` says more.
 */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("DatabaseUnusable", {
  file: Schema.String,
  problem: Schema.Literals(["corrupt", "newer", "unwritable", "busy", "failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    const about = `the database ${this.file} ${says[this.problem]}: ${this.detail}`
    return this.problem === "corrupt" ? `${about}; ${restoreIt}` : about
  }
}

const says: Record<DatabaseUnusable["problem"], string> = {
  corrupt: "is corrupt",
  newer: "is from a newer release",
  unwritable: "cannot be opened for writing",
  busy: "is locked by another process",
  failed: "cannot be used"
}

/** What `node:sqlite` or the file system threw while `file` was opened. */
export const databaseUnusable = (file: string, thrown: unknown): DatabaseUnusable => {
  const detail = thrown instanceof Error ? (thrown.message.split("\n")[0] ?? "") : String(thrown)
  return new DatabaseUnusable({ file, problem: problemOf(thrown), detail })
}

const problemOf = (thrown: unknown): DatabaseUnusable["problem"] => {
  if (typeof thrown !== "object" || thrown === null) return "failed"
  // The low byte of SQLite's result code: https://sqlite.org/rescode.html
  const code = "errcode" in thrown && typeof thrown.errcode === "number" ? thrown.errcode & 0xff : undefined
  if (code === 11 || code === 26) return "corrupt"
  if (code === 3 || code === 8 || code === 13 || code === 14) return "unwritable"
  if (code === 5 || code === 6) return "busy"
  return code === undefined && "code" in thrown && typeof thrown.code === "string" ? "unwritable" : "failed"
}
