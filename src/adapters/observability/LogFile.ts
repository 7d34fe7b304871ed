import { appendFileSync } from "node:fs"
import { Data, Effect } from "effect"
import type { Scope } from "effect"
import pino from "pino"

/** The log file cannot be written. `message` is the one line that start-up ends with. */
export class LogFileUnusable extends Data.TaggedError("LogFileUnusable")<{ readonly message: string }> {}

/** Characters that may wait for a disk that is slow or full; lines past it are lost, and counted. */
const maxWaiting = 8 * 1024 * 1024

/** Lines are written once there are so many characters of them, or after so long: a write a line costs more than the line. */
const gathered = 64_000
const flushMillis = 200

export interface LogFile {
  readonly write: (line: string) => void
}

type Destination = ReturnType<typeof pino.destination>

const complain = (file: string, error: Error): string => `LOG_FILE: cannot write ${file} (${error.message})`

const open = (file: string, report: (text: string) => void): Effect.Effect<Destination, LogFileUnusable> =>
  Effect.callback((resume) => {
    const destination = pino.destination({
      dest: file,
      mkdir: true,
      sync: false,
      maxLength: maxWaiting
    })
    const failed = (error: Error): void => {
      // It never opened: without this word pino tries to flush it when the process exits, and throws.
      destination.emit("close")
      resume(Effect.fail(new LogFileUnusable({ message: complain(file, error) })))
    }
    destination.once("error", failed)
    destination.once("ready", () => {
      destination.off("error", failed)
      watch(destination, file, report)
      resume(Effect.succeed(destination))
    })
  })

/** A full disk: the chat goes on, the terminal says why when it begins and what was lost when it is over. Each later line tries again. */
const watch = (destination: Destination, file: string, report: (text: string) => void): void => {
  let away = false
  let lost = 0
  destination.on("error", (error: Error) => {
    if (!away) report(`${complain(file, error)}; the chat goes on, lines wait as long as 8 MiB hold them`)
    away = true
  })
  destination.on("drop", (lines: string) => void (lost += lines.split("\n").length - 1))
  destination.on("write", () => {
    if (!away) return
    away = false
    report(`LOG_FILE: ${file} is written again, ${lost} lines were lost`)
    lost = 0
  })
}

/** Completes when everything that was written is in the file, or cannot be. */
const close = (destination: Destination): Effect.Effect<void> =>
  Effect.callback((resume) => {
    destination.once("close", () => resume(Effect.void))
    destination.once("error", () => {
      // Nor shall pino try again when the process exits.
      destination.emit("close")
      resume(Effect.void)
    })
    destination.end()
  })

const listening = (event: "SIGHUP" | "exit", listener: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => void process.on(event, listener)),
    () => Effect.sync(() => void process.off(event, listener))
  )

/**
 * The open log file. What waits for it when the process is killed is what the last 200 ms brought. On SIGHUP a new file is
 * opened under the name, so that logrotate may move the old one away; where that fails the old one stays. `report` hears when it cannot be written, and when it can again.
 */
export const openLogFile = (
  file: string,
  report: (text: string) => void
): Effect.Effect<LogFile, LogFileUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    let current = yield* open(file, report)
    let flushing: NodeJS.Timeout | undefined
    // Gathered here: sonic-boom measures all that it has gathered again with every line.
    let lines = ""
    let closed = false
    const flush = (): void => {
      clearTimeout(flushing)
      flushing = undefined
      const due = lines
      lines = ""
      if (due !== "") current.write(due)
    }
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        flush()
        closed = true
        return close(current)
      })
    )
    const reopen = Effect.flatMap(open(file, report), (next) => {
      flush()
      const old = current
      current = next
      return close(old)
    })
    // sonic-boom's own reopen never ends where a write is under way.
    yield* listening("SIGHUP", () => {
      Effect.runFork(Effect.catch(reopen, (error) => Effect.sync(() => report(error.message))))
    })
    // For an exit that waits for no scope: a second signal.
    yield* listening("exit", () => {
      try {
        // Not by `flush`: nobody waits for a write that only begins now.
        const due = lines
        lines = ""
        current.flushSync()
        if (due !== "") appendFileSync(file, due)
      } catch (error) {
        report(complain(file, error instanceof Error ? error : new Error(String(error))))
      }
    })
    return {
      write: (line) => {
        if (closed) return
        lines += line
        if (lines.length >= gathered) flush()
        else flushing ??= setTimeout(flush, flushMillis).unref()
      }
    }
  })
