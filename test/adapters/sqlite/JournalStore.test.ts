import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { openToWrite } from "../../../src/adapters/sqlite/JournalDatabase.ts"
import { makeJournalStore } from "../../../src/adapters/sqlite/JournalStore.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

/** The database, and how often a stored batch was read from it. */
const watched = (db: DatabaseSync): { readonly db: DatabaseSync; readonly batchesRead: () => number } => {
  let read = 0
  const prepare: DatabaseSync["prepare"] = (sql) => {
    const statement = db.prepare(sql)
    if (!sql.startsWith("select first, entries")) return statement
    const get = statement.get.bind(statement)
    statement.get = (...parameters: ReadonlyArray<never>) => {
      read += 1
      return get(...parameters)
    }
    return statement
  }
  const watching = new Proxy(db, {
    get: (target, name) => {
      if (name === "prepare") return prepare
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
  return { db: watching, batchesRead: () => read }
}

describe("the store of the journal", () => {
  it.effect("reads a batch once where all of its messages are sent again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const file = { path: join(directory, "journal.db"), maximumPages: undefined }
      const { db, batchesRead } = watched(openToWrite(file).db)
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      const store = makeJournalStore(db)
      const texts = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({ message: `${index}` }))
      const batch = (expectedHead: number) => ({
        rooms: ["lobby"],
        expectedHeads: [expectedHead],
        counts: [texts.length],
        entries: [`[${texts.join(",")}]`],
        keys: [texts.map((_, index) => `key ${index}`)]
      })
      expect(store.commit(batch(0))).toBeUndefined()
      const [outcome] = store.commit(batch(1_000)) ?? []
      expect(outcome).toEqual({ seqs: texts.map((_, index) => index + 1), earlier: texts })
      expect(batchesRead()).toBe(1)
    })
  )
})
