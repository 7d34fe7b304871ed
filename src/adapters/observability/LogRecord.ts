import { Cause } from "effect"
import type { Logger } from "effect"
import { CurrentLogAnnotations } from "effect/References"
import { redact, redactFields, redactText } from "./Redaction.ts"

/** One line of the log, before it is written anywhere. Free of secrets. */
export interface LogRecord {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal"
  readonly date: Date
  readonly message: string
  /** Annotations, and the fields of objects that were logged. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly error: { readonly type: string; readonly message: string; readonly stack: string } | undefined
}

const levels = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: "trace"
} as const

const isFields = (part: unknown): part is object => typeof part === "object" && part !== null && !Array.isArray(part)

const asError = (error: unknown, cause: Cause.Cause<unknown>): LogRecord["error"] => {
  const type = isFields(error) && "_tag" in error ? String(error._tag) : error instanceof Error ? error.name : "Error"
  const message = error instanceof Error ? error.message : String(redact(error))
  return { type, message: redactText(message), stack: redactText(Cause.pretty(cause)) }
}

/** Texts are joined, objects give fields, an error or a cause gives `error`. */
export const logRecord = (options: Logger.Options<unknown>): LogRecord => {
  const parts = Array.isArray(options.message) ? options.message : [options.message]
  const texts: Array<string> = []
  let fields: Record<string, unknown> = { ...options.fiber.getRef(CurrentLogAnnotations) }
  let error = options.cause.reasons.length > 0 ? asError(Cause.squash(options.cause), options.cause) : undefined
  for (const part of parts as ReadonlyArray<unknown>) {
    if (part instanceof Error) error ??= asError(part, Cause.die(part))
    else if (isFields(part)) fields = { ...fields, ...part }
    else texts.push(String(part))
  }
  return {
    level: levels[options.logLevel],
    date: options.date,
    message: redactText(texts.join(" ")) || (error?.message ?? ""),
    fields: redactFields(fields),
    error
  }
}
