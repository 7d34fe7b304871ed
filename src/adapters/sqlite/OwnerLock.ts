import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Layer } from "effect"
import { Ownership, OwnershipUnavailable } from "../../ports/Ownership.ts"

export interface OwnerLockOptions {
  /** Made where it is not there, readable by its owner only. */
  readonly directory: string
  /** Whether to wait for a lock that somebody has; else that is `OwnershipUnavailable`. */
  readonly wait: boolean
}

const holderOf = (file: string): string => {
  try {
    return `pid ${readFileSync(file, "utf8").trim()}`
  } catch {
    return "an unknown process"
  }
}

const isBusy = (error: unknown): boolean =>
  // SQLITE_BUSY is 5, in the low byte of an extended code (https://sqlite.org/rescode.html).
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5

interface Lock {
  readonly release: () => void
}

/** The lock, or `undefined` where somebody else has it. */
const tryLock = (directory: string, pidFile: string): Lock | undefined => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(directory, "owner.lock"), { timeout: 0 })
  try {
    database.exec("BEGIN EXCLUSIVE")
    // The pid stands beside the lock: nobody can read the file that is locked.
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
  return {
    release: () => {
      rmSync(pidFile, { force: true })
      database.close()
    }
  }
}

const inUse = (directory: string, holder: string | undefined): string =>
  `DATA_DIR: ${directory} is in use by another process (${holder ?? "unknown"}): stop it, or set another DATA_DIR`

/** How often a process that stands by looks whether the lock is free. */
const lookEvery = "1 second"

/**
 * The ownership of a directory. The lock is the operating system's, on `owner.lock`: it is gone when the process is, however it ended, and
 * what is left of the files means nothing. A process that is frozen keeps it: nobody else can write here meanwhile.
 */
export const layer = ({ directory, wait }: OwnerLockOptions): Layer.Layer<Ownership> =>
  Layer.sync(Ownership, () => {
    const pidFile = join(directory, "owner.pid")
    let holder: string | undefined

    const look = Effect.try({
      try: () => {
        const lock = tryLock(directory, pidFile)
        holder = lock === undefined ? holderOf(pidFile) : undefined
        return lock
      },
      catch: (error) =>
        new OwnershipUnavailable({
          message: `DATA_DIR: cannot write ${directory} (${error instanceof Error ? error.message : String(error)})`
        })
    })

    const lock: Effect.Effect<Lock, OwnershipUnavailable> = Effect.flatMap(look, (mine) => {
      if (mine !== undefined) return Effect.succeed(mine)
      return wait
        ? Effect.delay(
            Effect.suspend(() => lock),
            lookEvery
          )
        : Effect.fail(new OwnershipUnavailable({ message: inUse(directory, holder) }))
    })

    return {
      acquire: Effect.acquireRelease(lock, (mine) => Effect.sync(mine.release), { interruptible: true }).pipe(
        Effect.as({ lost: Effect.never })
      ),
      holder: () => holder
    }
  })
