import { Effect } from "effect"
import type { Scope } from "effect"

export interface Terminal {
  readonly write: (line: string) => void
  readonly colours: boolean
}

/** Standard output, coloured where it is a terminal. Lines of one turn of the event loop are one write: it blocks whoever writes. */
export const standardOutput: Effect.Effect<Terminal, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    let waiting = ""
    const flush = (): void => {
      const text = waiting
      waiting = ""
      if (text !== "") process.stdout.write(text)
    }
    process.on("exit", flush)
    const write = (line: string): void => {
      if (waiting === "") setImmediate(flush)
      waiting += line
    }
    const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined
    return { write, colours, flush }
  }),
  ({ flush }) =>
    Effect.sync(() => {
      flush()
      process.off("exit", flush)
    })
)
