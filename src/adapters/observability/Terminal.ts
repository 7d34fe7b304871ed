import { Effect } from "effect"
import type { Scope } from "effect"

export interface Terminal {
  readonly write: (line: string) => void
  /** As `write`, for lines of a crowd: where no person watches they may wait a little for others. */
  readonly gather: (line: string) => void
  readonly colours: boolean
}

/** Lines of a crowd are written once there are so many characters of them, or after so long: each write blocks whoever writes, and wakes whoever reads. */
const gathered = 16_384
const gatherMillis = 100

/** Standard output, coloured where it is a terminal. Lines of one turn of the event loop are one write. */
export const standardOutput: Effect.Effect<Terminal, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    let waiting = ""
    let due = false
    let timer: NodeJS.Timeout | undefined
    const flush = (): void => {
      due = false
      clearTimeout(timer)
      timer = undefined
      const text = waiting
      waiting = ""
      if (text !== "") process.stdout.write(text)
    }
    process.on("exit", flush)
    const write = (line: string): void => {
      waiting += line
      if (!due) setImmediate(flush)
      due = true
    }
    const gather = (line: string): void => {
      if (process.stdout.isTTY || waiting.length >= gathered) return write(line)
      waiting += line
      timer ??= setTimeout(flush, gatherMillis).unref()
    }
    const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined
    return { write, gather, colours, flush }
  }),
  ({ flush }) =>
    Effect.sync(() => {
      flush()
      process.off("exit", flush)
    })
)
