import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { indexBatches, openToRead, openToWrite } from "../../../src/adapters/sqlite/JournalDatabase.ts"
import { makeJournalStore } from "../../../src/adapters/sqlite/JournalStore.ts"
import { makeStoredBatches } from "../../../src/adapters/sqlite/StoredBatches.ts"
import type { StoredBatch } from "../../../src/adapters/sqlite/StoredBatches.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

/** A store that writes, and another connection that looks batches up. Rooms are 1, 2, 3 …, as the store numbers them. */
const opened = Effect.gen(function* () {
  const file = { path: join(yield* temporaryDirectory, "journal.db"), maximumPages: undefined }
  const { db } = openToWrite(file)
  const reading = openToRead(file)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      reading.close()
      db.close()
    })
  )
  const store = makeJournalStore(db)
  const heads: Array<number> = []
  const commit = (batches: ReadonlyArray<{ readonly room: number; readonly count: number }>): void => {
    const submissions = {
      rooms: batches.map(({ room }) => `room ${room}`),
      expectedHeads: batches.map(({ count, room }) => {
        const head = heads[room] ?? 0
        heads[room] = head + count
        return head
      }),
      counts: batches.map(({ count }) => count),
      entries: batches.map(({ count }) => JSON.stringify(Array.from({ length: count }, () => "said"))),
      keys: batches.map(() => undefined)
    }
    expect(store.commit(submissions)).toBeUndefined()
    store.maintain()
  }
  const indexed = (): number => Number(db.prepare("select value from meta where key = 'indexed'").get()?.["value"])
  return { db, commit, heads, indexed, stored: makeStoredBatches(reading) }
})

const positions = (batches: Iterable<StoredBatch>): ReadonlyArray<number> =>
  [...batches].flatMap(({ end, first }) => Array.from({ length: end - first }, (_, index) => first + index))

const upTo = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("stored batches", () => {
  it.effect("are found by room and position, whether the index has them or not", () =>
    Effect.gen(function* () {
      const { commit, heads, indexed, stored } = yield* opened
      const seen = new Set<number>()
      for (let turn = 0; turn < 60; turn++) {
        // Every room once first, so that their numbers are the store's.
        commit(
          upTo(0, 79).map((index) => ({
            room: turn === 0 ? (index % 7) + 1 : 1 + ((index * index + turn) % 7),
            count: 1 + ((turn + index) % 3)
          }))
        )
        seen.add(indexed())
        if (turn % 5 !== 0) continue
        stored.refresh()
        for (let room = 1; room <= 7; room++) {
          const head = heads[room] ?? 0
          expect(stored.head(room)).toBe(head)
          for (const seq of [1, Math.ceil(head / 3), head - 1, head].filter((at) => at > 0)) {
            const [first = 0, ...others] = positions(stored.from(room, seq))
            expect(first).toBeLessThanOrEqual(seq)
            expect(others).toEqual(upTo(first + 1, head))
            const batch = stored.at(room, seq)
            expect(batch !== undefined && batch.first <= seq && seq < batch.end).toBe(true)
          }
          expect(stored.at(room, head + 1)).toBeUndefined()
          expect(positions(stored.from(room, head + 1))).toEqual([])
        }
      }
      // The index was empty, was written twice, and is behind at the end.
      expect([...seen]).toHaveLength(3)
      expect(Math.max(...seen)).toBeLessThan(60 * 80)
      expect(stored.head(8)).toBe(0)
      expect(stored.at(8, 1)).toBeUndefined()
    })
  )

  it.effect("are found once where they are indexed between the looks", () =>
    Effect.gen(function* () {
      const { commit, db, stored } = yield* opened
      commit([1, 2, 1, 1].map((room) => ({ room, count: 2 })))
      stored.refresh()
      db.exec(indexBatches)
      commit([{ room: 1, count: 2 }])
      expect(positions(stored.from(1, 3))).toEqual([3, 4, 5, 6])
      expect(stored.head(1)).toBe(6)
      stored.refresh()
      expect(positions(stored.from(1, 3))).toEqual([3, 4, 5, 6, 7, 8])
      expect(positions(stored.from(2, 1))).toEqual([1, 2])
    })
  )
})
