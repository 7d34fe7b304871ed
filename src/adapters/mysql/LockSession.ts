import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { Clock, Effect, Exit, Scope } from "effect"
import { ConnectionFault, dedicatedConnection } from "./DedicatedConnection.ts"
import type { DedicatedConnection } from "./DedicatedConnection.ts"
import { lockName } from "./LockName.ts"
import type { MysqlOptions } from "./MysqlOptions.ts"

export interface LockOptions extends MysqlOptions {
  /** What is owned: one name for one journal, the same in every process that may own it. */
  readonly journal: string
  /** How often the owner shows that it lives, in milliseconds; an answer may take as long. Default 2,000. */
  readonly pingMillis?: number | undefined
  /** After how much silence the server ends the owner's session and so frees the lock, in seconds. Default 8. */
  readonly silenceSeconds?: number | undefined
}

export const pingMillisOf = (options: LockOptions): number => options.pingMillis ?? 2_000

/** What the table says of the owner. */
export interface Owner {
  readonly holder: string
  /** Another one with each acquisition. */
  readonly token: string
}

/** The connection that holds the lock or asks for it. After a fault nothing but `connect` succeeds. */
export interface LockSession {
  /** Makes the connection anew; the lock of the one before it is given up with it. */
  readonly connect: Effect.Effect<void, ConnectionFault>
  /** Asks for the lock, and waits at the server for at most so long. */
  readonly tryLock: (seconds: number) => Effect.Effect<boolean, ConnectionFault>
  /** Writes this process into the table. */
  readonly announce: Effect.Effect<void, ConnectionFault>
  readonly owner: Effect.Effect<Owner | undefined, ConnectionFault>
  /** Whether this process has announced itself and nobody else since. */
  readonly isAnnounced: (owner: Owner | undefined) => boolean
  /** Whether this connection has the lock. */
  readonly hasLock: Effect.Effect<boolean, ConnectionFault>
}

const notConnected = new ConnectionFault(new Error("not connected"))

/** Gives the lock back and ends the connection with the scope. */
export const lockSession = (options: LockOptions): Effect.Effect<LockSession, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lock = lockName("journal", `${options.database}\0${options.journal}`)
    const token = randomUUID()
    const ping = pingMillisOf(options)
    let open: { readonly connection: DedicatedConnection; readonly scope: Scope.Closeable } | undefined

    const close = Effect.suspend(() => {
      const closed = open
      open = undefined
      return closed === undefined ? Effect.void : Scope.close(closed.scope, Exit.void)
    })
    const query: DedicatedConnection["query"] = (sql, values, deadlineMillis) =>
      Effect.suspend(() =>
        open === undefined ? Effect.fail(notConnected) : open.connection.query(sql, values, deadlineMillis)
      )
    const connect = Effect.gen(function* () {
      yield* close
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(dedicatedConnection(options), scope).pipe(
        Effect.tap((made) => made.query(`SET SESSION wait_timeout = ${options.silenceSeconds ?? 8}`)),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      open = { connection, scope }
    })

    yield* Effect.addFinalizer(() =>
      query("DELETE FROM parley_owner WHERE name = ? AND token = ?", [lock, token], ping).pipe(
        Effect.andThen(query("DO RELEASE_LOCK(?)", [lock], ping)),
        Effect.ignore,
        Effect.andThen(close)
      )
    )

    return {
      connect,
      tryLock: (seconds) =>
        Effect.map(
          query("SELECT GET_LOCK(?, ?) AS got", [lock, seconds], seconds * 1_000 + ping),
          ([row]) => Number(row?.["got"]) === 1
        ),
      announce: Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const holder = `${hostname()}, pid ${process.pid}, since ${new Date(now).toISOString()}`
        yield* query(`CREATE TABLE IF NOT EXISTS parley_owner (
          name VARCHAR(64) PRIMARY KEY, token VARCHAR(64) NOT NULL, holder VARCHAR(512) NOT NULL
        ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4`)
        yield* query("REPLACE INTO parley_owner (name, token, holder) VALUES (?, ?, ?)", [lock, token, holder])
      }),
      owner: query("SELECT holder, token FROM parley_owner WHERE name = ?", [lock], ping).pipe(
        Effect.map(([row]) =>
          row === undefined ? undefined : { holder: String(row["holder"]), token: String(row["token"]) }
        ),
        // Whoever got the lock first is about to make the table.
        Effect.catch((fault) => (fault.code === "ER_NO_SUCH_TABLE" ? Effect.succeed(undefined) : Effect.fail(fault)))
      ),
      isAnnounced: (owner) => owner?.token === token,
      hasLock: Effect.map(
        query("SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS mine", [lock], ping),
        ([row]) => Number(row?.["mine"]) === 1
      )
    }
  })
