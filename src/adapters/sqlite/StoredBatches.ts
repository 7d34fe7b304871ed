import type { DatabaseSync } from "node:sqlite"
import { asInteger, asText } from "./SqliteFailure.ts"

/** A row of `batches`: its events stand at the positions from `first` up to `end`, exclusive. `entries` is their JSON array. */
export interface StoredBatch {
  readonly first: number
  readonly end: number
  readonly entries: string
}

/** What `refresh` remembers of a batch that is not in the index yet. */
interface Unindexed {
  readonly row: number
  readonly first: number
  readonly end: number
}

/** Finds a room's batches: in the index `positions`, and among those of the last commits, which are not in it yet. */
export interface StoredBatches {
  /** What was committed meanwhile is found from now on. Costs what was written since the last time, and no more than the index lags behind. */
  readonly refresh: () => void
  /** A transaction of this connection was rolled back, or another process has written: what `refresh` saw may not be there. */
  readonly forget: () => void
  /** 0 where the room has no batch. */
  readonly head: (room: number) => number
  /** The batch that holds the position. */
  readonly at: (room: number, seq: number) => StoredBatch | undefined
  /** The batch that holds the position and those behind it, in order. */
  readonly from: (room: number, seq: number) => Iterable<StoredBatch>
}

/** Of one connection: the writer's and the reader's each have their own. */
export const makeStoredBatches = (db: DatabaseSync): StoredBatches => {
  const selectIndexed = db.prepare("select cast(value as integer) as row from meta where key = 'indexed'")
  const selectUnindexed = db.prepare("select row, room, first, count from batches where row > ? order by row")
  const selectRow = db.prepare("select first, count, entries from batches where row = ?")
  const selectHead = db.prepare(
    "select b.first + b.count as end from positions p join batches b on b.row = p.row " +
      "where p.room = ? order by p.first desc limit 1"
  )
  const selectFrom = db.prepare(
    "select b.first, b.count, b.entries from positions p join batches b on b.row = p.row " +
      "where p.room = ?1 and p.first >= coalesce((select max(first) from positions where room = ?1 and first <= ?2), ?2) order by p.first"
  )

  const unindexed = new Map<number, Array<Unindexed>>()
  /** The last row that is in the index, and the last one that is in it or among the unindexed. */
  let indexed = -1
  let seen = -1

  const batch = (row: ReturnType<typeof selectRow.get>): StoredBatch | undefined => {
    if (row === undefined) return undefined
    const first = asInteger(row["first"])
    return { first, end: first + asInteger(row["count"]), entries: asText(row["entries"]) }
  }

  const from: StoredBatches["from"] = function* (room, seq) {
    let next = seq
    for (const row of selectFrom.iterate(room, seq)) {
      const found = batch(row)
      if (found === undefined || found.end <= next) continue
      yield found
      next = found.end
    }
    // Some of these may have been indexed, and found above, since `refresh`.
    for (const { end, row } of unindexed.get(room) ?? []) {
      const found = end <= next ? undefined : batch(selectRow.get(row))
      if (found === undefined) continue
      yield found
      next = found.end
    }
  }

  return {
    refresh: () => {
      const now = asInteger(selectIndexed.get()?.["row"])
      if (now !== indexed) {
        unindexed.clear()
        indexed = now
        seen = now
      }
      for (const row of selectUnindexed.iterate(seen)) {
        seen = asInteger(row["row"])
        const first = asInteger(row["first"])
        const room = asInteger(row["room"])
        const batches = unindexed.get(room)
        const added = { row: seen, first, end: first + asInteger(row["count"]) }
        if (batches === undefined) unindexed.set(room, [added])
        else batches.push(added)
      }
    },
    forget: () => {
      indexed = -1
    },
    head: (room) => {
      const end = unindexed.get(room)?.at(-1)?.end ?? selectHead.get(room)?.["end"]
      return end === undefined ? 0 : asInteger(end) - 1
    },
    at: (room, seq) => {
      for (const found of from(room, seq)) return found.first <= seq ? found : undefined
      return undefined
    },
    from
  }
}
