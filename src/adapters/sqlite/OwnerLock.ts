import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Data, Effect, Layer } from "effect"

/** The directory cannot be had. `message` is the one line that start-up ends with. */
export class DirectoryUnavailable extends Data.TaggedError("DirectoryUnavailable")<{ readonly message: string }> {}

export interface OwnerLockOptions {
  /** Made where it is not there, readable by its owner only. */
  readonly directory: string
}

const holderOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8").trim()
  } catch {
    return "unknown"
  }
}

const isBusy = (error: unknown): boolean =>
  // SQLITE_BUSY is 5, in the low byte of an extended code (https://sqlite.org/rescode.html).
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5

const acquire = (directory: string): { readonly release: () => void } => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(directory, "owner.lock"), { timeout: 0 })
  // The pid stands beside the lock: nobody can read the file that is locked.
  const pidFile = join(directory, "owner.pid")
  try {
    database.exec("BEGIN EXCLUSIVE")
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (error) {
    database.close()
    throw error
  }
  return {
    release: () => {
      rmSync(pidFile, { force: true })
      database.close()
    }
  }
}

/**
 * Makes this process the only owner of the directory while the layer lives. The lock is the operating system's, on `owner.lock`:
 * it is gone when the process is, however it ended, and what is left of the files means nothing.
 */
export const layer = (options: OwnerLockOptions): Layer.Layer<never, DirectoryUnavailable> =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.try({
        try: () => acquire(options.directory),
        catch: (error) =>
          new DirectoryUnavailable({
            message: isBusy(error)
              ? `DATA_DIR: ${options.directory} is in use by another process (pid ${holderOf(join(options.directory, "owner.pid"))}): stop it, or set another DATA_DIR`
              : `DATA_DIR: cannot write ${options.directory} (${error instanceof Error ? error.message : String(error)})`
          })
      }),
      (lock) => Effect.sync(lock.release)
    )
  )
