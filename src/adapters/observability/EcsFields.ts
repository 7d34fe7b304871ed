import type { LogRecord } from "./LogRecord.ts"

/** Annotations that Elastic's Common Schema has a field for; the dots are its own. What it does not know stands under `labels`. */
const fieldOf: Readonly<Record<string, string>> = {
  requestId: "http.request.id",
  traceId: "trace.id",
  transactionId: "transaction.id",
  method: "http.request.method",
  path: "url.path",
  status: "http.response.status_code",
  address: "client.address",
  userId: "user.id",
  username: "user.name"
}

export const ecsNameOf = (name: string): string | undefined =>
  Object.hasOwn(fieldOf, name) ? fieldOf[name] : undefined

/** The members of a line, but for those that every line has. `millis` becomes `event.duration`, nanoseconds. */
export const ecsFields = ({ error, fields }: LogRecord): Record<string, unknown> => {
  const line: Record<string, unknown> = {}
  let labels: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(fields)) {
    const known = ecsNameOf(name)
    if (known !== undefined) line[known] = value
    else if (name === "millis" && typeof value === "number") line["event.duration"] = Math.round(value * 1e6)
    else if (name === "parley") line["parley"] = value
    else (labels ??= {})[name] = value
  }
  if (labels !== undefined) line["labels"] = labels
  if (error !== undefined) line["error"] = { type: error.type, message: error.message, stack_trace: error.stack }
  return line
}
