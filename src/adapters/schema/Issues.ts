import { SchemaIssue } from "effect"
import type { Exit, Schema } from "effect"

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** Everything a decoder found wrong, in a line: `from: Expected string; message: Missing key`. At most 500 characters. */
export const describeIssues = (failure: Exit.Failure<unknown, Schema.SchemaError>): string => {
  const error = failure.cause.reasons.find((reason) => reason._tag === "Fail")?.error
  if (error === undefined) return "it cannot be read"
  return format(error.issue)
    .issues.map(({ message, path = [] }) => [...path.map(segmentName), message].join(": "))
    .join("; ")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
    .slice(0, 500)
}

const segmentName = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === "object" ? segment.key : segment)
