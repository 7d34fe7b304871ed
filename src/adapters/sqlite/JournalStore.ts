import { accessSync, constants } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { place } from "../journal/Placement.ts"
import type { Failed, Outcome, Submissions } from "./JournalProtocol.ts"
import {
  asArray,
  asInteger,
  asText,
  DamagedRow,
  isBusy,
  isConstraint,
  isRefusal,
  sqliteFailure
} from "./SqliteFailure.ts"
import type { SqliteFailure } from "./SqliteFailure.ts"

/** So many rooms' heads are remembered; the room that was written longest ago is forgotten first and read again when it is written. */
const rememberedRooms = 16_384

/** So many batches that a commit looked up are kept, read and parsed, until the next one. */
const rememberedBatches = 16

/**
 * A checkpoint follows the commit that fills the write-ahead log with about so many pages of 4 KiB. It holds the next commit up for some 30 ms,
 * whatever the log's size nearly, since most of it is pages that were written again and again: hence few and large ones.
 */
const checkpointPages = 16_384

interface Room {
  readonly id: number
  head: number
}

/** A stored batch: `events` stand at the positions from `first` up to `end`, exclusive. */
interface LookedUp {
  readonly room: number
  readonly first: number
  readonly end: number
  readonly events: ReadonlyArray<unknown>
}

export interface JournalStore {
  /**
   * Commits every batch that can be stored, in one transaction. Throws where the file cannot be trusted any more. `undefined`: all batches
   * were stored, and nothing of them was there before. Fails a batch alone: a transaction that is refused as a whole is tried again batch by batch.
   */
  readonly commit: (submissions: Submissions) => ReadonlyArray<Outcome> | undefined
  /** Moves what was committed from the write-ahead log into the file when there is enough of it. Throws on an I/O error. */
  readonly maintain: () => void
  readonly close: () => void
}

const isFailure = (result: ReadonlyArray<Outcome> | undefined | SqliteFailure): result is SqliteFailure =>
  result !== undefined && "code" in result

const refused = (failure: SqliteFailure): Failed => ({ reason: "Refused", detail: failure.detail })

/** The hot path of the writer thread: a few prepared statements and no object a plain batch. */
export const makeJournalStore = (db: DatabaseSync): JournalStore => {
  const begin = db.prepare("begin immediate")
  const commitAll = db.prepare("commit")
  const insertRoom = db.prepare("insert into rooms (name) values (?)")
  const insertBatch = db.prepare("insert into batches (room, first, count, entries) values (?, ?, ?, ?)")
  const insertId = db.prepare("insert into client_ids (key, room, seq) values (?, ?, ?) on conflict do nothing")
  const deleteId = db.prepare("delete from client_ids where key = ? and room = ? and seq > ?")
  const selectRoom = db.prepare("select id from rooms where name = ?")
  const selectHead = db.prepare(
    "select first + count - 1 as head from batches where room = ? order by first desc limit 1"
  )
  const selectSeq = db.prepare("select seq from client_ids where key = ? and room = ?")
  const selectBatch = db.prepare(
    "select first, entries from batches where room = ? and first <= ? order by first desc limit 1"
  )

  const rooms = new Map<string, Room>()
  let walPages = 0

  const findRoom = (name: string): Room | undefined => {
    const known = rooms.get(name)
    if (known !== undefined) {
      rooms.delete(name)
      rooms.set(name, known)
      return known
    }
    const row = selectRoom.get(name)
    if (row === undefined) return undefined
    const id = asInteger(row["id"])
    const last = selectHead.get(id)
    return remember(name, { id, head: last === undefined ? 0 : asInteger(last["head"]) })
  }

  const createRoom = (name: string): Room =>
    remember(name, { id: asInteger(insertRoom.run(name).lastInsertRowid), head: 0 })

  const remember = (name: string, room: Room): Room => {
    rooms.set(name, room)
    if (rooms.size > rememberedRooms) {
      for (const oldest of rooms.keys()) {
        rooms.delete(oldest)
        break
      }
    }
    return room
  }

  /** What this commit looked up, newest last: whoever repeats one message of a batch mostly repeats the others, too. */
  let lookedUp: Array<LookedUp> = []

  const batchAt = (room: Room, seq: number): LookedUp => {
    const known = lookedUp.find((batch) => batch.room === room.id && batch.first <= seq && seq < batch.end)
    if (known !== undefined) return known
    const row = selectBatch.get(room.id, seq)
    if (row === undefined) throw new DamagedRow("a position without a batch")
    const first = asInteger(row["first"])
    const events = asArray(asText(row["entries"]))
    const batch = { room: room.id, first, end: first + events.length, events }
    if (lookedUp.length === rememberedBatches) lookedUp.shift()
    lookedUp.push(batch)
    return batch
  }

  const textAt = (room: Room, seq: number): string => {
    const { events, first } = batchAt(room, seq)
    return JSON.stringify(events[seq - first])
  }

  const store = (room: Room, count: number, entries: string): void => {
    insertBatch.run(room.id, room.head + 1, count, entries)
    room.head += count
    walPages += 1 + entries.length / 4096
  }

  /** False where a key is there already: then none of them was stored. */
  const storeKeys = (room: Room, keys: ReadonlyArray<string>): boolean => {
    let seq = room.head
    for (const key of keys) {
      seq++
      if (key === "") continue
      if (insertId.run(key, room.id, seq).changes === 0) {
        for (const stored of keys) deleteId.run(stored, room.id, room.head)
        return false
      }
      walPages++
    }
    return true
  }

  /** A batch that may stand there already, or parts of it. */
  const writeAgain = (
    name: string,
    known: Room | undefined,
    expectedHead: number,
    entries: string,
    batchKeys: ReadonlyArray<string>
  ): Outcome => {
    const head = known?.head ?? 0
    const texts = asArray(entries).map((event) => JSON.stringify(event))
    const placement = place(
      {
        head,
        seqOf: (key) => {
          const row = known === undefined ? undefined : selectSeq.get(key, known.id)
          return row === undefined ? undefined : asInteger(row["seq"])
        },
        textAt: (seq) => (known === undefined ? "" : textAt(known, seq))
      },
      expectedHead,
      texts,
      batchKeys
    )
    if (placement === undefined) return { reason: "Fenced", detail: `the head is ${head}, not ${expectedHead}` }
    const { seqs, missing, repeated } = placement
    if (missing.length > 0) {
      const room = known ?? createRoom(name)
      const keys = missing.map((index) => batchKeys[index] ?? "")
      if (!storeKeys(room, keys)) throw new DamagedRow("a client id of an entry that is not there")
      store(room, missing.length, `[${missing.map((index) => texts[index]).join(",")}]`)
    }
    const room = known ?? findRoom(name)
    return {
      seqs,
      earlier: seqs.map((seq, index) =>
        repeated[index] === true && room !== undefined ? textAt(room, seq) : undefined
      )
    }
  }

  const write = (
    name: string,
    expectedHead: number,
    count: number,
    entries: string,
    keys: ReadonlyArray<string> | undefined
  ): Outcome => {
    const known = findRoom(name)
    if ((known?.head ?? 0) !== expectedHead || count === 0)
      return writeAgain(name, known, expectedHead, entries, keys ?? [])
    const room = known ?? createRoom(name)
    if (keys !== undefined && !storeKeys(room, keys)) return writeAgain(name, room, expectedHead, entries, keys)
    store(room, count, entries)
    return undefined
  }

  const transaction = (submissions: Submissions, from: number, to: number): ReadonlyArray<Outcome> | undefined => {
    const { rooms: names, expectedHeads, counts, entries, keys } = submissions
    let outcomes: Array<Outcome> | undefined
    begin.run()
    for (let index = from; index < to; index++) {
      const outcome = write(
        names[index] ?? "",
        expectedHeads[index] ?? -1,
        counts[index] ?? 0,
        entries[index] ?? "[]",
        keys[index]
      )
      if (outcome === undefined) continue
      outcomes ??= Array.from<Outcome>({ length: to - from })
      outcomes[index - from] = outcome
    }
    commitAll.run()
    walPages += 2
    return outcomes
  }

  const path = db.location()
  /** SQLite has one code for every write that fails. A file system that takes none (EROFS) has kept what it has; a disk that fails may not have. */
  const isReadOnly = (): boolean => {
    if (path === null) return false
    try {
      accessSync(path, constants.W_OK)
      return false
    } catch (error) {
      return error instanceof Error && "code" in error && error.code === "EROFS"
    }
  }

  /** The outcomes; or, where SQLite refused the transaction as a whole, why. */
  const attempt = (
    submissions: Submissions,
    from: number,
    to: number
  ): ReadonlyArray<Outcome> | undefined | SqliteFailure => {
    try {
      return transaction(submissions, from, to)
    } catch (error) {
      // The heads of rooms that this transaction wrote are wrong now; reading them again is cheap and rare.
      rooms.clear()
      lookedUp = []
      if (db.isTransaction) db.exec("rollback")
      const failure = sqliteFailure(error)
      if (!isRefusal(failure) && !isReadOnly()) throw error
      return failure
    }
  }

  const commit: JournalStore["commit"] = (submissions) => {
    const size = submissions.rooms.length
    lookedUp = []
    const together = attempt(submissions, 0, size)
    if (!isFailure(together)) return together
    if (isBusy(together)) return submissions.rooms.map(() => refused(together))
    return submissions.rooms.map((_, index) => {
      const alone = attempt(submissions, index, index + 1)
      if (!isFailure(alone)) return alone?.[0]
      // It was decided on what the file holds now, under the write lock: so the file contradicts itself.
      if (isConstraint(alone)) throw new DamagedRow(alone.detail)
      return refused(alone)
    })
  }

  const checkpoint = (mode: "passive" | "truncate"): void => {
    walPages = 0
    db.prepare(`pragma wal_checkpoint(${mode})`).get()
  }

  return {
    commit,
    maintain: () => {
      if (walPages < checkpointPages) return
      try {
        checkpoint("passive")
      } catch (error) {
        // On a full disk it is tried again when as much has been written once more.
        if (!isRefusal(sqliteFailure(error)) && !isReadOnly()) throw error
      }
    },
    close: () => {
      try {
        checkpoint("truncate")
      } finally {
        db.close()
      }
    }
  }
}
