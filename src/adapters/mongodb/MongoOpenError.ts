import {
  MongoCompatibilityError,
  MongoInvalidArgumentError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError
} from "mongodb"
import { Schema } from "effect"

/** MongoDB cannot be used. `message` is one line that names the variable; no user name or password is in it. */
export class MongoOpenError extends Schema.TaggedError<MongoOpenError>()("MongoOpenError", {
  problem: Schema.String
}) {
  override get message(): string {
    return `MONGODB_URI: ${this.problem}`
  }
}

/** No credentials can be in it: then what the driver says of it may be shown. */
const withoutCredentials = /^mongodb(\+srv)?:\/\/[\w.-]+(:\d+)?(,[\w.-]+(:\d+)?)*(\/[\w-]*)?(\?[\w=&.-]*)?$/

/** Codes of https://www.mongodb.com/docs/manual/reference/error-codes/ */
const unauthorized = 13
const authenticationFailed = 18

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? ""

/** A URI that the driver does not take: it says why, perhaps with a part of the URI, so that is told only where the URI has no secret. */
export const notAUri = (uri: string, error: unknown): MongoOpenError => {
  const why = withoutCredentials.test(uri) ? ` (${firstLine(error)})` : ""
  return new MongoOpenError({
    problem: `expected mongodb://[user:password@]host[:port][/database] or mongodb+srv://…${why}`
  })
}

/** What went wrong between the URI and a database that is ready. `millis` is how long was waited for a server. */
export const openProblem = (uri: string, millis: number, error: unknown): MongoOpenError => {
  if (error instanceof MongoOpenError) return error
  if (error instanceof MongoParseError || error instanceof MongoInvalidArgumentError) return notAUri(uri, error)
  return new MongoOpenError({ problem: problemOf(millis, error) })
}

const problemOf = (millis: number, error: unknown): string => {
  if (error instanceof MongoCompatibilityError || firstLine(error).includes("maximum wire version"))
    return `the server is too old: ${firstLine(error)}`
  if (error instanceof MongoServerSelectionError)
    return `no server could be reached within ${millis / 1000} s (${firstLine(error)})`
  if (error instanceof MongoServerError) {
    // The server's own text may quote what it was sent.
    if (error.code === authenticationFailed) return "the server refuses the user or the password (code 18)"
    if (error.code === unauthorized)
      return "the user may not do there what a journal needs (code 13: read, write, make indexes)"
    return `the server answers with an error (code ${String(error.code)}, ${error.codeName ?? "no name"})`
  }
  if (error instanceof Error && "code" in error && typeof error.code === "string")
    return `no server could be reached (${firstLine(error)})`
  return `the server cannot be used (${error instanceof Error ? `${error.name}: ${firstLine(error)}` : "no reason given"})`
}
