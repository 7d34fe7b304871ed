import { ecsFormat } from "@elastic/ecs-pino-format"
import { Data, Effect, Layer, Logger } from "effect"
import type { Scope } from "effect"
import { MinimumLogLevel } from "effect/References"
import pino from "pino"
import { logRecord } from "./LogRecord.ts"
import { terminalLine } from "./TerminalLine.ts"

/** The log file cannot be written. `message` is the one line that start-up ends with. */
export class LogFileUnusable extends Data.TaggedError("LogFileUnusable")<{ readonly message: string }> {}

export interface LoggerOptions {
  /** Made with its directories where it is not there; appended to. */
  readonly file: string
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal"
  readonly version: string
  /** Where the readable lines go; by default standard output, coloured on a terminal. */
  readonly terminal?: { readonly write: (line: string) => void; readonly colours: boolean }
}

const minimum = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error", fatal: "Fatal" } as const

type Destination = ReturnType<typeof pino.destination>

const complain = (file: string, error: Error): string => `LOG_FILE: cannot write ${file} (${error.message})`

const open = (file: string): Effect.Effect<Destination, LogFileUnusable> =>
  Effect.callback((resume) => {
    const destination = pino.destination({ dest: file, mkdir: true, sync: false })
    const failed = (error: Error): void => {
      // It never opened: without this word pino tries to flush it when the process exits, and throws.
      destination.emit("close")
      resume(Effect.fail(new LogFileUnusable({ message: complain(file, error) })))
    }
    destination.once("error", failed)
    destination.once("ready", () => {
      destination.off("error", failed)
      // A full disk later on: the lines are lost, the chat goes on, the terminal says why.
      destination.on("error", (error: Error) => process.stderr.write(`${complain(file, error)}\n`))
      resume(Effect.succeed(destination))
    })
  })

/** Completes when everything that was written is in the file, or cannot be. */
const close = (destination: Destination): Effect.Effect<void> =>
  Effect.callback((resume) => {
    destination.once("close", () => resume(Effect.void))
    destination.once("error", () => resume(Effect.void))
    destination.end()
  })

const listening = (event: "SIGHUP" | "exit", listener: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => void process.on(event, listener)),
    () => Effect.sync(() => void process.off(event, listener))
  )

/** The open log file. On SIGHUP a new one is opened under the name, so that logrotate may move the old one away; where that fails the old one stays. */
const openFile = (
  file: string
): Effect.Effect<{ readonly write: (line: string) => void }, LogFileUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    let current = yield* open(file)
    yield* Effect.addFinalizer(() => Effect.suspend(() => close(current)))
    const reopen = Effect.flatMap(open(file), (next) => {
      const old = current
      current = next
      return close(old)
    })
    // sonic-boom's own reopen never ends where a write is under way.
    yield* listening("SIGHUP", () => {
      Effect.runFork(Effect.catch(reopen, (error) => Effect.sync(() => process.stderr.write(`${error.message}\n`))))
    })
    // For an exit that waits for no scope: a second signal.
    yield* listening("exit", () => current.flushSync())
    return { write: (line) => current.write(line) }
  })

const standardOutput = {
  write: (line: string): void => void process.stdout.write(line),
  colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined
}

/**
 * Effect's log, to two places: `file` gets a JSON object a line in Elastic's Common Schema, the terminal a readable line. What names a secret is redacted in both,
 * and nothing that is logged can break a line in two. The annotation `requestId` becomes `http.request.id`; other fields stand under `labels`.
 */
export const layer = (options: LoggerOptions): Layer.Layer<never, LogFileUnusable> => {
  const terminal = options.terminal ?? standardOutput
  const logger = Effect.gen(function* () {
    const destination = yield* openFile(options.file)
    const ecs = ecsFormat({ serviceName: "parley", serviceVersion: options.version, apmIntegration: false })
    const file = pino({ ...ecs, level: options.level }, destination)
    return Logger.make((entry) => {
      const record = logRecord(entry)
      const { requestId, ...labels } = record.fields
      file[record.level](
        {
          ...(requestId === undefined ? {} : { "http.request.id": requestId }),
          ...(Object.keys(labels).length === 0 ? {} : { labels }),
          ...(record.error === undefined
            ? {}
            : { error: { type: record.error.type, message: record.error.message, stack_trace: record.error.stack } })
        },
        record.message
      )
      terminal.write(
        terminalLine(record, {
          colours: terminal.colours,
          stacks: options.level === "debug" || options.level === "trace"
        })
      )
    })
  })
  return Layer.merge(Logger.layer([logger]), Layer.succeed(MinimumLogLevel, minimum[options.level]))
}
