import { Effect, Redacted } from "effect"
import type { Scope } from "effect"
import * as Mysql from "mysql2"
import { checkTls, connectTimeoutOf, deadlineOf, driverOptions, sessionSettings } from "./MysqlOptions.ts"
import type { MysqlOptions } from "./MysqlOptions.ts"

/** What the driver threw, whatever it was. `code` is the server's or the system's name of it. */
export class ConnectionFault extends Error {
  readonly _tag = "ConnectionFault"
  readonly code: string
  constructor(thrown: unknown) {
    super(thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
    this.code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : ""
  }
}

export type Row = Readonly<Record<string, unknown>>

/** One connection that belongs to one caller, for what hangs on a session: the server's locks, and statements under them. */
export interface DedicatedConnection {
  /** The rows, or none for what has none. Fails after `deadlineMillis` (the connection's own by default), and is useless from then on. */
  readonly query: (
    sql: string,
    values?: ReadonlyArray<string | number | null>,
    deadlineMillis?: number
  ) => Effect.Effect<ReadonlyArray<Row>, ConnectionFault>
}

const timedOut = (what: string, millis: number): ConnectionFault =>
  new ConnectionFault(Object.assign(new Error(`${what} took more than ${millis} ms`), { code: "ETIMEDOUT" }))

/** Connects within `connectTimeoutMillis`; the connection ends with its scope, at once. */
export const dedicatedConnection = (
  options: MysqlOptions
): Effect.Effect<DedicatedConnection, ConnectionFault, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.try({ try: () => open(options), catch: (thrown) => new ConnectionFault(thrown) }),
      // Not `end`, which waits for a server that may be frozen: the closed socket tells it enough.
      (connection) => Effect.sync(() => connection.destroy())
    )
    yield* Effect.callback<void, ConnectionFault>((resume) => {
      connection.connect((error: unknown) =>
        resume(error === null || error === undefined ? Effect.void : Effect.fail(new ConnectionFault(error)))
      )
    }).pipe(
      // The driver's own time-out sees to the socket; this one to what the driver does not count.
      Effect.timeoutOrElse({
        duration: connectTimeoutOf(options) + 500,
        orElse: () => Effect.fail(timedOut("connecting", connectTimeoutOf(options)))
      })
    )
    const query: DedicatedConnection["query"] = (sql, values = [], deadlineMillis = deadlineOf(options)) =>
      Effect.callback<ReadonlyArray<Row>, ConnectionFault>((resume) => {
        connection.query(sql, [...values], (error: unknown, rows: unknown) =>
          resume(
            error === null || error === undefined
              ? Effect.succeed(Array.isArray(rows) ? rows : [])
              : Effect.fail(new ConnectionFault(error))
          )
        )
      }).pipe(
        Effect.timeoutOrElse({
          duration: deadlineMillis,
          orElse: () => Effect.fail(timedOut("a statement", deadlineMillis))
        })
      )
    yield* query(sessionSettings(options))
    return { query }
  })

const open = (options: MysqlOptions): Mysql.Connection => {
  checkTls(options)
  const connection = Mysql.createConnection({
    ...driverOptions(options),
    host: options.host,
    port: options.port,
    user: options.user,
    password: Redacted.value(options.password),
    database: options.database
  })
  // Whoever waits for an answer hears of it; without a listener an error between two statements would end the process.
  connection.on("error", () => undefined)
  return connection
}
