import { randomUUID } from "node:crypto"
import { MongoClient } from "mongodb"
import type { Db } from "mongodb"
import { Effect, Layer, Redacted } from "effect"
import type { Scope } from "effect"
import * as Memory from "../../src/adapters/memory/Journal.ts"
import * as MongoDb from "../../src/adapters/mongodb/Journal.ts"
import * as Sqlite from "../../src/adapters/sqlite/Journal.ts"
import type { Journal } from "../../src/ports/Journal.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

/** One adapter as the contract suites see it. */
export interface JournalAdapter {
  readonly name: string
  /** True where a layer that is built again holds what was stored before. */
  readonly keeps: boolean
  /** Random examples of each property, where each costs so much that there are fewer of them. */
  readonly runs?: number
  /** A layer over an empty store of its own, which goes when the scope ends. */
  readonly empty: Effect.Effect<Layer.Layer<Journal, unknown>, never, Scope.Scope>
}

export const memory: JournalAdapter = { name: "memory", keeps: false, empty: Effect.succeed(Layer.fresh(Memory.layer)) }

export const sqlite: JournalAdapter = {
  name: "sqlite",
  keeps: true,
  empty: Effect.map(temporaryDirectory, (directory) => Layer.fresh(Sqlite.layer({ directory })))
}

/** An empty database of its own on a MongoDB server, dropped when the scope ends. */
export const temporaryDatabase = (uri: string): Effect.Effect<Db, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new MongoClient(uri).db(`parley_test_${randomUUID().slice(0, 13)}`)),
    (db) =>
      Effect.promise(async () => {
        await db.dropDatabase()
        await db.client.close()
      })
  )

export const mongodb = (uri: string): JournalAdapter => ({
  name: "mongodb",
  keeps: true,
  runs: 30,
  empty: Effect.map(temporaryDatabase(uri), (db) =>
    Layer.fresh(MongoDb.layer({ uri: Redacted.make(uri), database: db.databaseName }))
  )
})
