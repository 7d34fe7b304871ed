import { ecsFormat } from "@elastic/ecs-pino-format"
import { Effect, Layer, Logger } from "effect"
import { MinimumLogLevel } from "effect/References"
import pino from "pino"
import { ecsFields } from "./EcsFields.ts"
import { openLogFile } from "./LogFile.ts"
import type { LogFileUnusable } from "./LogFile.ts"
import { logRecord } from "./LogRecord.ts"
import { standardOutput } from "./Terminal.ts"
import type { Terminal } from "./Terminal.ts"
import { terminalLine } from "./TerminalLine.ts"

export interface LoggerOptions {
  /** Made with its directories where it is not there; appended to. */
  readonly file: string
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal"
  /** `service.name` of every line: that of the traces, so that each is found from the other. */
  readonly serviceName: string
  readonly version: string
  /** Where the readable lines go; by default standard output, coloured on a terminal. */
  readonly terminal?: Terminal
}

const minimum = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error", fatal: "Fatal" } as const

/** As `ecsFormat` has it, made once a millisecond. */
const makeTimestamp = (): (() => string) => {
  let at = -1
  let text = ""
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = `,"@timestamp":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

const toStandardError = (text: string): void => void process.stderr.write(`parley: ${text}\n`)

/**
 * Effect's log, to two places: `file` gets a JSON object a line in Elastic's Common Schema, the terminal a readable line. What names a secret is redacted in both,
 * and nothing that is logged can break a line in two. Annotations that the schema has a field for go there; the others stand under `labels`.
 */
export const layer = (options: LoggerOptions): Layer.Layer<never, LogFileUnusable> => {
  const logger = Effect.gen(function* () {
    const terminal = options.terminal ?? (yield* standardOutput)
    const destination = yield* openLogFile(options.file, toStandardError)
    const ecs = ecsFormat({
      serviceName: options.serviceName,
      serviceVersion: options.version,
      apmIntegration: false
    })
    const file = pino({ ...ecs, timestamp: makeTimestamp(), level: options.level }, destination)
    const shown = { colours: terminal.colours, stacks: options.level === "debug" || options.level === "trace" }
    return Logger.make((entry) => {
      const record = logRecord(entry)
      file[record.level](ecsFields(record), record.message)
      terminal.write(terminalLine(record, shown))
    })
  })
  return Layer.merge(Logger.layer([logger]), Layer.succeed(MinimumLogLevel, minimum[options.level]))
}
