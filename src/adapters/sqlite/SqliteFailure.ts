/** A row that is not what this release writes: the file is damaged, or somebody else wrote into it. */
export class DamagedRow extends Error {}

export interface SqliteFailure {
  /** SQLite's primary result code (https://sqlite.org/rescode.html); undefined where the error is not SQLite's. */
  readonly code: number | undefined
  readonly detail: string
}

/** What an error of `node:sqlite` says. Extended codes are cut to their primary one, but said where they are all that tells one cause from another. */
export const sqliteFailure = (error: unknown): SqliteFailure => {
  if (!(error instanceof Error)) return { code: undefined, detail: String(error) }
  const extended = "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined
  const code = extended === undefined ? undefined : extended & 0xff
  return { code, detail: code === IOERR ? `${error.message} (SQLite's code ${extended})` : error.message }
}

const BUSY = 5
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const TOOBIG = 18
const CONSTRAINT = 19
const NOTADB = 26

/** Definite: the transaction was rolled back, and a later one may succeed. Everything else means that the file cannot be trusted. */
export const isRefusal = (failure: SqliteFailure): boolean =>
  failure.code === FULL ||
  failure.code === BUSY ||
  failure.code === READONLY ||
  failure.code === TOOBIG ||
  failure.code === CONSTRAINT

/** A reader of a sound file can meet this only. */
export const isBusy = (failure: SqliteFailure): boolean => failure.code === BUSY

/** Another process wrote what this one believed to be free. */
export const isConstraint = (failure: SqliteFailure): boolean => failure.code === CONSTRAINT

/** Whether the file holds what no SQLite wrote. */
export const isDamage = (failure: SqliteFailure): boolean => failure.code === CORRUPT || failure.code === NOTADB

/** What whoever finds a damaged file does. */
export const restoreIt = "restore a backup in its place, or move it away to begin without it"

export const asInteger = (value: unknown): number => {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value
  throw new DamagedRow("a column that should hold an integer does not")
}

export const asText = (value: unknown): string => {
  if (typeof value === "string") return value
  throw new DamagedRow("a column that should hold a text does not")
}

/** A stored batch: a JSON array of events. */
export const asArray = (text: string): ReadonlyArray<unknown> => {
  const parsed: unknown = JSON.parse(text)
  if (Array.isArray(parsed)) return parsed
  throw new DamagedRow("a batch that is not an array")
}
