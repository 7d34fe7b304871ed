import { Layer, Logger } from "effect"
import { MinimumLogLevel } from "effect/References"
import { logRecord } from "./adapters/observability/LogRecord.ts"
import type { LogRecord } from "./adapters/observability/LogRecord.ts"
import { terminalLine } from "./adapters/observability/TerminalLine.ts"

/** One thing that the server has to say. Free of secrets and of what people write to each other. */
export type LogLine = LogRecord

export interface LogOptions {
  /** Gets each line; must not throw. By default a readable line goes to standard error. */
  readonly log?: ((line: LogLine) => void) | undefined
  /** The least level that is logged; `"warn"` by default: a server that runs well is silent. */
  readonly logLevel?: LogLine["level"] | "off" | undefined
}

const minimum = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal",
  off: "None"
} as const

const toStandardError = (line: LogLine): void =>
  void process.stderr.write(`parley ${terminalLine(line, { colours: false, stacks: false })}`)

/** Effect's log, to whom the program names. `translate` is said of each message. */
export const embeddedLog = (
  { log = toStandardError, logLevel = "warn" }: LogOptions,
  translate: (message: string) => string
): Layer.Layer<never> => {
  const logger = Logger.make((entry) => {
    const record = logRecord(entry)
    log({ ...record, message: translate(record.message) })
  })
  return Layer.merge(Logger.layer([logger]), Layer.succeed(MinimumLogLevel, minimum[logLevel]))
}
