import { copyFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { indexBatches, openToWrite } from "../../../src/adapters/sqlite/JournalDatabase.ts"
import { makeJournalStore } from "../../../src/adapters/sqlite/JournalStore.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

type Statement = ReturnType<DatabaseSync["prepare"]>

/** The database with its statements changed as they are prepared. */
const changed = (db: DatabaseSync, change: (sql: string, statement: Statement) => void): DatabaseSync => {
  const prepare: DatabaseSync["prepare"] = (sql) => {
    const statement = db.prepare(sql)
    change(sql, statement)
    return statement
  }
  return new Proxy(db, {
    get: (target, name) => {
      if (name === "prepare") return prepare
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}

/** The database, and how often a stored batch was read from it. */
const watched = (db: DatabaseSync): { readonly db: DatabaseSync; readonly batchesRead: () => number } => {
  let read = 0
  const watching = changed(db, (sql, statement) => {
    if (!sql.includes("entries from")) return
    const get = statement.get.bind(statement)
    statement.get = (...parameters: ReadonlyArray<never>) => {
      read += 1
      return get(...parameters)
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

  it.effect("fences one process off where another one has written the room, whether the index has it or not", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const open = () => {
        const { db } = openToWrite({ path: join(directory, "journal.db"), maximumPages: undefined })
        return { db, store: makeJournalStore(db) }
      }
      const mine = open()
      const theirs = open()
      yield* Effect.addFinalizer(() => Effect.sync(() => [mine, theirs].forEach(({ db }) => db.close())))
      const one = (expectedHead: number, text: string) => ({
        rooms: ["lobby"],
        expectedHeads: [expectedHead],
        counts: [1],
        entries: [`["${text}"]`],
        keys: [undefined]
      })
      expect(mine.store.commit(one(0, "1"))).toBeUndefined()
      expect(theirs.store.commit(one(1, "2"))).toBeUndefined()
      expect(mine.store.commit(one(1, "my 2"))).toEqual([{ reason: "Fenced", detail: "the head is 2, not 1" }])
      theirs.db.exec(indexBatches)
      expect(theirs.store.commit(one(2, "3"))).toBeUndefined()
      expect(mine.store.commit(one(2, "my 3"))).toMatchObject([{ reason: "Fenced" }])
      expect(mine.store.commit(one(3, "4"))).toBeUndefined()
      const texts = mine.db.prepare("select entries from batches order by row").all()
      expect(texts.map(({ entries }) => entries)).toEqual(['["1"]', '["2"]', '["3"]', '["4"]'])
    })
  )

  it.effect(
    "leaves room in the write-ahead log for the commits to come, and a crash finds all that was committed",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const path = join(directory, "journal.db")
        const { db } = openToWrite({ path, maximumPages: undefined })
        yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
        const store = makeJournalStore(db)
        let head = 0
        const commit = (): number => {
          const outcome = store.commit({
            rooms: ["lobby"],
            expectedHeads: [head],
            counts: [1],
            entries: [`["${"x".repeat(1_000)}"]`],
            keys: [undefined]
          })
          expect(outcome).toBeUndefined()
          head += 1
          store.maintain()
          return statSync(`${path}-wal`).size
        }
        const sizes = Array.from({ length: 300 }, commit)
        // A megabyte is more than 100 commits, and less than 300.
        expect(new Set(sizes.slice(0, 100)).size).toBe(1)
        expect(new Set(sizes).size).toBeGreaterThan(1)
        expect(new Set(sizes).size).toBeLessThan(5)
        const crashed = join(directory, "crashed.db")
        for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, crashed + suffix)
        const again = openToWrite({ path: crashed, maximumPages: undefined }).db
        expect(again.prepare("select count(*) as batches, max(first) as last from batches").get()).toEqual({
          batches: 300,
          last: 300
        })
        again.close()
      })
  )

  it.effect("forgets what it looked up in a transaction that the disk had no room for", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      let full = false
      const db = changed(
        openToWrite({ path: join(directory, "journal.db"), maximumPages: undefined }).db,
        (sql, statement) => {
          if (sql !== "commit") return
          const run = statement.run.bind(statement)
          statement.run = () => {
            if (full) throw Object.assign(new Error("database or disk is full"), { errcode: 13 })
            return run()
          }
        }
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      const store = makeJournalStore(db)
      const one = (name: string, expectedHead: number, key: string) =>
        [name, expectedHead, `["${key} in ${name}"]`, [key]] as const
      const commit = (...batches: ReadonlyArray<ReturnType<typeof one>>) =>
        store.commit({
          rooms: batches.map(([name]) => name),
          expectedHeads: batches.map(([, head]) => head),
          counts: batches.map(() => 1),
          entries: batches.map(([, , entries]) => entries),
          keys: batches.map(([, , , keys]) => [...keys])
        })
      expect(commit(one("a", 0, "k"), one("b", 0, "k"))).toBeUndefined()
      full = true
      // The repeated one is looked up when the new one stands in its transaction.
      const refused = { reason: "Refused", detail: expect.stringContaining("full") }
      expect(commit(one("b", 1, "another"), one("a", 1, "k"))).toEqual([refused, refused])
      full = false
      expect(commit(one("c", 0, "k"))).toBeUndefined()
      expect(commit(one("c", 1, "k"))).toEqual([{ seqs: [1], earlier: ['"k in c"'] }])
      expect(commit(one("b", 1, "k"))).toEqual([{ seqs: [1], earlier: ['"k in b"'] }])
    })
  )
})
