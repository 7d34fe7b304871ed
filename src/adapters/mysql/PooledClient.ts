import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import { Context, Effect, Exit, Fiber, Layer, Scope, Semaphore } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Client from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { connectTimeoutOf, driverOptions, sessionSettings } from "./MysqlOptions.ts"
import type { MysqlOptions } from "./MysqlOptions.ts"

export interface PoolOptions extends MysqlOptions {
  /** Connections at most. Default 10. Who comes when all are busy waits. */
  readonly poolSize?: number | undefined
  /** Statements that may wait for a connection. Default 1,000; one more fails at once. */
  readonly poolWaiting?: number | undefined
}

/** Statements that a connection keeps prepared; the least used goes first. A server has 16,382 for everybody. */
const preparedAConnection = 128
/** A deadlock rolls the statement back whole: it may be sent again. */
const deadlockRetries = 5

/**
 * `SqlClient` on a bounded pool, whose connections all have the settings of `sessionSettings` before anything else is said on them.
 *
 * Whoever is interrupted, by a deadline for one, is gone at once. The connection that still waits for the server is closed, not given
 * back: the next statement makes another. So a frozen or vanished server costs each of its connections once, and
 * the pool is whole again as soon as the server is.
 */
export const layer = (options: PoolOptions): Layer.Layer<Client.SqlClient, SqlError> =>
  Layer.effectContext(Effect.map(make(options), (client) => Context.make(Client.SqlClient, client))).pipe(
    Layer.provide(Reactivity.layer)
  )

const make = (options: PoolOptions) =>
  Effect.gen(function* () {
    const size = options.poolSize ?? 10
    const waitingAtMost = options.poolWaiting ?? 1_000
    const pool = yield* MysqlClient.make({
      host: options.host,
      port: options.port,
      username: options.user,
      password: options.password,
      database: options.database,
      maxConnections: size,
      poolConfig: { ...driverOptions(options), maxPreparedStatements: preparedAConnection }
    })
    const free = yield* Semaphore.make(size)
    const prepared = new WeakSet<PhysicalConnection>()
    let waiting = 0

    const permitIn = (scope: Scope.Scope) =>
      Effect.suspend(() => {
        if (waiting >= waitingAtMost) return Effect.fail(poolFull)
        waiting++
        return Effect.ensuring(
          Scope.provide(free.takeScoped(1), scope),
          Effect.sync(() => waiting--)
        )
      })

    /** A connection that has its settings, in `scope`. */
    const reserve = (scope: Scope.Scope) =>
      Effect.gen(function* () {
        const connection = yield* Scope.provide(pool.reserve, scope)
        const physical = physicalOf(connection)
        const guarded = guard(connection, physical)
        if (!prepared.has(physical)) {
          yield* Effect.timeoutOrElse(guarded.executeUnprepared(sessionSettings(options), [], undefined), {
            duration: connectTimeoutOf(options),
            orElse: () => Effect.fail(connectionFailure("the server let a new connection wait"))
          })
          prepared.add(physical)
        }
        return guarded
      })

    // The driver's connecting cannot be interrupted: it goes on by itself, and whoever is interrupted meanwhile leaves it behind.
    const acquirer = Effect.gen(function* () {
      const scope = yield* Scope.make()
      let connecting: Fiber.Fiber<unknown> | undefined
      yield* Effect.addFinalizer(() => {
        const made = connecting === undefined ? Effect.void : Fiber.await(connecting)
        return Effect.forkDetach(Effect.andThen(made, Scope.close(scope, Exit.void)), { startImmediately: true })
      })
      yield* permitIn(scope)
      const fiber = yield* Effect.forkDetach(Effect.exit(reserve(scope)), { startImmediately: true }).pipe(
        Effect.tap((fiber) => Effect.sync(() => (connecting = fiber))),
        Effect.uninterruptible
      )
      return yield* Effect.flatten(Fiber.join(fiber))
    })

    return yield* Client.make({
      acquirer,
      transactionAcquirer: acquirer,
      compiler: MysqlClient.makeCompiler(),
      driver: "mysql2",
      spanAttributes: [
        ["db.system.name", "mysql"],
        ["db.namespace", options.database],
        ["server.address", options.host],
        ["server.port", options.port]
      ]
    })
  })

interface PhysicalConnection {
  readonly destroy: () => void
}

const isPhysical = (value: unknown): value is PhysicalConnection =>
  typeof value === "object" && value !== null && "destroy" in value && typeof value.destroy === "function"

/** The driver's connection below Effect's. Nothing in its type says that it is there, the pinned version does. */
const physicalOf = (connection: Connection): PhysicalConnection => {
  if ("conn" in connection && isPhysical(connection.conn)) return connection.conn
  throw new Error("@effect/sql-mysql2 has changed: a connection has no conn that can be destroyed")
}

/** Closes the connection where a statement was given up or failed otherwise than by the server's word. */
const guard = (connection: Connection, physical: PhysicalConnection): Connection => {
  const watched = <A>(statement: Effect.Effect<A, SqlError>) =>
    statement.pipe(
      Effect.retry({ while: (error) => error.reason._tag === "DeadlockError", times: deadlockRetries }),
      Effect.tapError((error) => (isServersWord(error) ? Effect.void : Effect.sync(() => physical.destroy()))),
      Effect.onInterrupt(() => Effect.sync(() => physical.destroy()))
    )
  return {
    execute: (sql, params, transform) => watched(connection.execute(sql, params, transform)),
    executeRaw: (sql, params) => watched(connection.executeRaw(sql, params)),
    executeStream: connection.executeStream,
    executeValues: (sql, params) => watched(connection.executeValues(sql, params)),
    executeValuesUnprepared: (sql, params) => watched(connection.executeValuesUnprepared(sql, params)),
    executeUnprepared: (sql, params, transform) => watched(connection.executeUnprepared(sql, params, transform))
  }
}

const isServersWord = ({ reason: { cause } }: SqlError): boolean =>
  typeof cause === "object" && cause !== null && "sqlState" in cause && !("fatal" in cause && cause.fatal === true)

const connectionFailure = (message: string) =>
  new SqlError({
    reason: new ConnectionError({ message, cause: undefined, operation: "acquireConnection" })
  })

const poolFull = connectionFailure("too many statements wait for a connection")
