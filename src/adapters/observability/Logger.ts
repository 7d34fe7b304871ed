import { ecsFormat } from "@elastic/ecs-pino-format"
import { Context, Effect, Layer, Logger } from "effect"
import { MinimumLogLevel } from "effect/References"
import pino from "pino"
import { CurrentCrowdLog } from "./CrowdLog.ts"
import type { CrowdLog } from "./CrowdLog.ts"
import { ecsFields } from "./EcsFields.ts"
import { openLogFile } from "./LogFile.ts"
import type { LogFile, LogFileUnusable } from "./LogFile.ts"
import { logRecord } from "./LogRecord.ts"
import { plainLine } from "./PlainLine.ts"
import { standardOutput } from "./Terminal.ts"
import type { Terminal } from "./Terminal.ts"
import { levelText, terminalLine } from "./TerminalLine.ts"

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

/** A text of the time at hand, made once a `unit` of milliseconds. */
const makeTimeText = (unit: number, textOf: (now: Date) => string): (() => string) => {
  let at = -1
  let text = ""
  return () => {
    const now = Math.floor(Date.now() / unit)
    if (now !== at) {
      at = now
      text = textOf(new Date(now * unit))
    }
    return text
  }
}

/** As `ecsFormat` has it. */
const makeTimestamp = () => makeTimeText(1, (now) => `,"@timestamp":"${now.toISOString()}"`)

const toStandardError = (text: string): void => void process.stderr.write(`parley: ${text}\n`)

type Format = ReturnType<typeof ecsFormat>

/** What every line has between its time and its own members: taken out of a line that was made as all are. */
const sharedMembers = (format: Format): string => {
  let line = ""
  pino({ ...format, timestamp: () => ',"@timestamp":""' }, { write: (text: string) => void (line = text) }).info("")
  const [, shared = ""] = /"@timestamp":""(.*),"message":""\}\n$/.exec(line) ?? []
  return shared
}

/** The same lines as the log's, at a tenth of what those cost. */
const makeCrowdLog = (options: LoggerOptions, format: Format, file: LogFile, terminal: Terminal): CrowdLog => {
  const timestamp = makeTimestamp()
  const clock = makeTimeText(1_000, (now) => now.toISOString().slice(11, 19))
  const shared = sharedMembers(format)
  const least = pino.levels.values[options.level] ?? 0
  const kind = (level: "debug" | "info" | "warn") => ({
    shown: (pino.levels.values[level] ?? 0) >= least,
    start: `{"log.level":"${level}"`,
    text: levelText(level, terminal.colours)
  })
  const kinds = { debug: kind("debug"), info: kind("info"), warn: kind("warn") }
  const shade = (text: string): string => (terminal.colours && text !== "" ? `\u001b[90m${text}\u001b[0m` : text)
  return (level, message, fields) => {
    const { shown, start, text } = kinds[level]
    if (!shown) return
    const line = plainLine(fields)
    file.write(`${start}${timestamp()}${shared}${line.members},"message":${JSON.stringify(message)}}\n`)
    terminal.gather(`${clock()} ${text} ${message}${shade(line.text)}\n`)
  }
}

/**
 * Effect's log, to two places: `file` gets a JSON object a line in Elastic's Common Schema, the terminal a readable line. What names a secret is redacted in both,
 * and nothing that is logged can break a line in two. Annotations that the schema has a field for go there; the others stand under `labels`. `CurrentCrowdLog` leads to the same two.
 */
export const layer = (options: LoggerOptions): Layer.Layer<never, LogFileUnusable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const terminal = options.terminal ?? (yield* standardOutput)
      const destination = yield* openLogFile(options.file, toStandardError)
      const ecs = ecsFormat({
        serviceName: options.serviceName,
        serviceVersion: options.version,
        apmIntegration: false
      })
      const file = pino({ ...ecs, timestamp: makeTimestamp(), level: options.level }, destination)
      const shown = { colours: terminal.colours, stacks: options.level === "debug" || options.level === "trace" }
      const logger = Logger.make((entry) => {
        const record = logRecord(entry)
        file[record.level](ecsFields(record), record.message)
        terminal.write(terminalLine(record, shown))
      })
      return Layer.mergeAll(
        Logger.layer([logger]),
        Layer.succeedContext(
          Context.make(MinimumLogLevel, minimum[options.level]).pipe(
            Context.add(CurrentCrowdLog, makeCrowdLog(options, ecs, destination, terminal))
          )
        )
      )
    })
  )
