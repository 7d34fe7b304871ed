import { Schema } from "effect"
import { addressWithTls } from "./MysqlOptions.ts"
import type { MysqlOptions } from "./MysqlOptions.ts"

/**
 * A database that cannot be worked with. `message` is the one line that start-up ends with: the variable to look at and what was wrong,
 * without a secret.
 *
 * - `unreachable`: nobody answers there, or no MySQL; another try may succeed.
 * - `refused`: the server does not let this user in, or not do what it must.
 * - `unknown`: there is no such database.
 * - `untrusted`: no TLS, or a certificate that is not trusted.
 * - `old`: the server is older than what is served.
 * - `newer`: a later release of Parley wrote the tables.
 * - `busy`: another process migrates the tables, and has not come to an end.
 * - `failed`: anything else.
 */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("MysqlUnusable", {
  variable: Schema.String,
  problem: Schema.Literals(["unreachable", "refused", "unknown", "untrusted", "old", "newer", "busy", "failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.variable}: ${this.detail}`
  }
}

type Problem = DatabaseUnusable["problem"]

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : ""

/** The driver's and the server's own words name users and databases, never a password. */
const firstLine = (thrown: unknown): string =>
  thrown instanceof Error ? (thrown.message.split("\n")[0]?.slice(0, 200) ?? "") : ""

/** What `mysql2` threw, in the words of whoever set the variables. */
export const databaseUnusable = (options: MysqlOptions, thrown: unknown): DatabaseUnusable => {
  const place = `${options.host}:${options.port}`
  const [user, database] = [JSON.stringify(options.user), JSON.stringify(options.database)]
  const code = codeOf(thrown)
  const said = firstLine(thrown)
  const says = (variable: string, problem: Problem, detail: string) =>
    new DatabaseUnusable({ variable, problem, detail: detail.replaceAll(/\s+/g, " ") })

  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return says("DB_HOST", "unreachable", `no host ${JSON.stringify(options.host)} is known (${code})`)
    case "ECONNREFUSED":
      return says("DB_HOST, DB_PORT", "unreachable", `${place} refuses connections: MySQL does not listen there`)
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return says("DB_HOST, DB_PORT", "unreachable", `no MySQL answers at ${place} (${code})`)
    case "ER_CON_COUNT_ERROR":
    case "ER_TOO_MANY_USER_CONNECTIONS":
    case "ER_USER_LIMIT_REACHED":
      return says("DB_HOST", "unreachable", `the server at ${place} has no connection to spare (${code})`)
    case "ER_ACCESS_DENIED_ERROR":
    case "ER_ACCESS_DENIED_NO_PASSWORD_ERROR":
    case "ER_NOT_SUPPORTED_AUTH_MODE":
    case "ER_MUST_CHANGE_PASSWORD_LOGIN":
    case "ER_ACCOUNT_HAS_BEEN_LOCKED":
    case "ER_HOST_NOT_PRIVILEGED":
      return says("DB_USER, DB_PASSWORD", "refused", `the server at ${place} does not let ${user} in (${code})`)
    case "ER_DBACCESS_DENIED_ERROR":
      return says(
        "DB_NAME",
        "refused",
        `${user} may not use the database ${database} at ${place}, or it does not exist`
      )
    case "ER_TABLEACCESS_DENIED_ERROR":
    case "ER_COLUMNACCESS_DENIED_ERROR":
    case "ER_SPECIFIC_ACCESS_DENIED_ERROR":
      return says("DB_USER", "refused", `${user} lacks a privilege on the database ${database}: ${said}`)
    case "ER_BAD_DB_ERROR":
      return says("DB_NAME", "unknown", `there is no database ${database} at ${place}`)
    case "HANDSHAKE_NO_SSL_SUPPORT":
      return says("DB_TLS", "untrusted", `the server at ${place} speaks no TLS`)
    case addressWithTls:
      return says(
        "DB_TLS",
        "untrusted",
        `a certificate cannot be verified for the address ${JSON.stringify(options.host)}: give DB_HOST a name, or do not verify the host`
      )
    case "HANDSHAKE_SSL_ERROR":
      return says("DB_TLS", "untrusted", `the certificate of ${place} is not trusted: ${said}`)
    case "ER_SECURE_TRANSPORT_REQUIRED":
      return says("DB_TLS", "refused", `the server at ${place} wants TLS`)
    case "PROTOCOL_CONNECTION_LOST":
    case "ECONNRESET":
    case "EPIPE":
      return says("DB_HOST, DB_PORT", "unreachable", `${place} closed the connection: is it MySQL?`)
    default:
      return code.startsWith("HANDSHAKE") || code.startsWith("PROTOCOL") || code === ""
        ? says("DB_HOST, DB_PORT", "failed", `${place} does not answer as MySQL does${said === "" ? "" : ` (${said})`}`)
        : says("DB_NAME", "failed", `the database ${database} at ${place} cannot be used: ${said} (${code})`)
  }
}
