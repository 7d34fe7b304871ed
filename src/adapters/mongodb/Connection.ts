import { MongoClient } from "mongodb"
import type { Db } from "mongodb"
import { Effect, Redacted } from "effect"
import type { Scope } from "effect"
import { MongoOpenError, notAUri, openProblem } from "./MongoOpenError.ts"

/** Where the original application kept its messages, whatever the URI said. */
const defaultDatabase = "go-chat-app"

export interface ConnectionOptions {
  readonly uri: Redacted.Redacted
  readonly database: string | undefined
  readonly poolSize: number
  /** To find a server, to connect, and to wait for a free connection of the pool: each. */
  readonly connectTimeoutMillis: number
  /** A server that is silent for so long while it owes an answer is given up. */
  readonly answerTimeoutMillis: number
}

export interface Connection {
  readonly client: MongoClient
  readonly db: Db
}

/** The database that the URI's path names. */
const databaseOf = (uri: string): string | undefined => {
  const name = /^[^:]+:\/\/[^/]*\/([^?]*)/.exec(uri)?.[1]
  return name === undefined || name === "" ? undefined : decodeURIComponent(name)
}

/** Connects, and closes with the scope. Every call has a deadline, and none is sent twice: whoever calls decides what a lost answer means. */
export const connect = (options: ConnectionOptions): Effect.Effect<Connection, MongoOpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const uri = Redacted.value(options.uri)
    const { answerTimeoutMillis, connectTimeoutMillis, poolSize } = options
    const client = yield* Effect.acquireRelease(
      Effect.try({
        try: () =>
          new MongoClient(uri, {
            appName: "parley",
            maxPoolSize: poolSize,
            minPoolSize: 1,
            retryWrites: false,
            retryReads: true,
            serverSelectionTimeoutMS: connectTimeoutMillis,
            connectTimeoutMS: connectTimeoutMillis,
            waitQueueTimeoutMS: connectTimeoutMillis,
            socketTimeoutMS: answerTimeoutMillis,
            // Tells whether a command has left (see Journal).
            monitorCommands: true
          }),
        catch: (error) => notAUri(uri, error)
      }),
      (client) => Effect.promise(() => client.close().catch(() => {}))
    )
    const db = yield* Effect.try({
      try: () => client.db(options.database ?? databaseOf(uri) ?? defaultDatabase),
      catch: (error) => notAUri(uri, error)
    })
    yield* Effect.tryPromise({
      try: async () => {
        await client.connect()
        await db.command({ ping: 1 })
      },
      catch: (error) => openProblem(uri, connectTimeoutMillis, error)
    }).pipe(
      Effect.timeoutOrElse({
        duration: 2 * connectTimeoutMillis,
        orElse: () =>
          Effect.fail(
            new MongoOpenError({ problem: `no answer from the server within ${(2 * connectTimeoutMillis) / 1000} s` })
          )
      })
    )
    return { client, db }
  })
