import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs"

/** So much is written ahead at once: some 250 commits of a page. */
const aheadBytes = 1_048_576

/** Room at the end of the write-ahead log. */
export interface LogSpace {
  /** Called after commits, by whoever makes them. */
  readonly keep: () => void
  /** Nothing is kept after this. */
  readonly close: () => void
}

/**
 * Keeps zeros at the end of the write-ahead log `path`, for SQLite to write its frames over. A commit that makes the file longer has to sync its length, too: it takes twice as long, and twice
 * the CPU. SQLite writes over what stands there whenever it begins its log anew, and knows its frames by salt and checksum. Only what is past the file's end is written, by an appending write, so
 * no frame can be hit. Where nothing can be written ahead, nothing is: what then fails is SQLite's commit, and it says so.
 */
export const makeLogSpace = (path: string): LogSpace => {
  let fd: number | undefined
  /** How long the file was left. When it is longer, frames were written past the zeros. */
  let left = -1
  let givenUp = false

  const extend = (): void => {
    fd ??= openSync(path, constants.O_WRONLY | constants.O_APPEND)
    const { size } = fstatSync(fd)
    if (size === left) return
    left = size + writeSync(fd, Buffer.alloc(aheadBytes))
  }

  return {
    keep: () => {
      if (givenUp) return
      try {
        extend()
      } catch {
        givenUp = true
      }
    },
    close: () => {
      if (fd !== undefined) closeSync(fd)
    }
  }
}
