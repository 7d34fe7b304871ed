import { Context, Effect } from "effect"

/** What a line of a crowd says: plain values, none of which is meant to be a secret. `undefined` is left out. */
export type PlainFields = Readonly<Record<string, string | number | undefined>>

export type CrowdLevel = "debug" | "info" | "warn"

/** Takes a line; below the log's level it costs a comparison. */
export type CrowdLog = (level: CrowdLevel, message: string, fields: PlainFields) => void

/** The way of the lines that a crowd makes, one a request and two a connection, past Effect's log; `undefined`: there is only Effect's. */
export const CurrentCrowdLog = Context.Reference<CrowdLog | undefined>("parley/adapters/observability/CrowdLog", {
  defaultValue: () => undefined
})

const logs = { debug: Effect.logDebug, info: Effect.logInfo, warn: Effect.logWarning } as const

/** The same line by Effect's log. */
const logPlainly = (level: CrowdLevel, message: string, fields: PlainFields): Effect.Effect<void> => {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Effect.annotateLogs(logs[level](message), Object.fromEntries(known))
}

/**
 * The log of a crowd, made for whoever logs for each socket or request. Where there is only Effect's, lines of one turn of the event loop are logged together, in order, by one
 * fiber: a fiber a line costs more than the line.
 */
export const crowdLog: Effect.Effect<CrowdLog> = Effect.gen(function* () {
  const direct = yield* CurrentCrowdLog
  if (direct !== undefined) return direct
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  let lines: Array<Effect.Effect<void>> = []
  const logAll = (): void => {
    const due = lines
    lines = []
    fork(Effect.forEach(due, (line) => line, { discard: true }))
  }
  return (level, message, fields) => {
    if (lines.length === 0) setImmediate(logAll)
    lines.push(logPlainly(level, message, fields))
  }
})
