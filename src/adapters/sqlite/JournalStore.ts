import { accessSync, constants } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { place } from "../journal/Placement.ts"
import { indexBatches } from "./JournalDatabase.ts"
import type { Failed, Outcome, Submissions } from "./JournalProtocol.ts"
import { makeLogSpace } from "./LogSpace.ts"
import { asArray, asInteger, DamagedRow, isBusy, isConstraint, isRefusal, sqliteFailure } from "./SqliteFailure.ts"
import type { SqliteFailure } from "./SqliteFailure.ts"
import { makeStoredBatches } from "./StoredBatches.ts"

/** So many rooms' heads are remembered; the room that was written longest ago is forgotten first and read again when it is written. */
const rememberedRooms = 16_384

/** So many batches that a commit looked up are kept, read and parsed, until the next one. */
const rememberedBatches = 16

/**
 * A checkpoint follows the commit that fills the write-ahead log with about so many pages of 4 KiB. It holds the next commit up for some 30 ms,
 * whatever the log's size nearly, since most of it is pages that were written again and again: hence few and large ones.
 */
const checkpointPages = 16_384

/**
 * The index is written when it lags so many batches behind. An entry a batch is most of what a commit of many rooms costs, since each is on another page;
 * so written, it is a third. More would gain little and hold a commit up for longer.
 */
const unindexedBatches = 2_048

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
  /**
   * What need not be done before a commit is answered, when there is enough of it: makes room in the write-ahead log, writes the index, and moves what was committed
   * from that log into the file. Throws on an I/O error.
   */
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
  const selectSeq = db.prepare("select seq from client_ids where key = ? and room = ?")
  const selectVersion = db.prepare("pragma data_version")
  const selectUnindexed = db.prepare(
    "select coalesce(max(row), 0) - (select cast(value as integer) from meta where key = 'indexed') as batches from batches"
  )
  const stored = makeStoredBatches(db)

  const rooms = new Map<string, Room>()
  let walPages = 0
  let unindexed = asInteger(selectUnindexed.get()?.["batches"])
  /** It is written when so many are not in it: as a rule `unindexedBatches`. */
  let indexAt = unindexedBatches
  /** SQLite's number for what other connections have written. */
  let version = selectVersion.get()?.["data_version"]

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
    stored.refresh()
    return remember(name, { id, head: stored.head(id) })
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
    stored.refresh()
    const found = stored.at(room.id, seq)
    if (found === undefined) throw new DamagedRow("a position without a batch")
    const { end, entries, first } = found
    const batch = { room: room.id, first, end, events: asArray(entries) }
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
    unindexed++
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

  /** Nothing that is remembered of the file may be true. */
  const distrust = (): void => {
    rooms.clear()
    lookedUp = []
    stored.forget()
    unindexed = asInteger(selectUnindexed.get()?.["batches"])
  }

  const transaction = (submissions: Submissions, from: number, to: number): ReadonlyArray<Outcome> | undefined => {
    const { rooms: names, expectedHeads, counts, entries, keys } = submissions
    let outcomes: Array<Outcome> | undefined
    begin.run()
    const now = selectVersion.get()?.["data_version"]
    if (now !== version) {
      // Another process has the file open and writes it: from here to the commit nobody else does.
      version = now
      distrust()
    }
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
  const logSpace = makeLogSpace(`${path}-wal`)
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
      if (db.isTransaction) db.exec("rollback")
      const failure = sqliteFailure(error)
      if (!isRefusal(failure) && !isReadOnly()) throw error
      // The heads of rooms that this transaction wrote are wrong now; reading them again is cheap and rare.
      distrust()
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

  /** Runs what can wait. Where the file takes nothing now it is left for later. */
  const unlessRefused = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      if (db.isTransaction) db.exec("rollback")
      const failure = sqliteFailure(error)
      if (isConstraint(failure)) throw new DamagedRow("two batches of one room at one position")
      if (!isRefusal(failure) && !isReadOnly()) throw error
    }
  }

  const writeIndex = (): void => {
    // Where it is refused it is tried again when as much has been written once more.
    indexAt = unindexed + unindexedBatches
    unlessRefused(() => {
      db.exec(`begin immediate; ${indexBatches} commit`)
      walPages += 2 + unindexed
      unindexed = 0
      indexAt = unindexedBatches
    })
  }

  return {
    commit,
    maintain: () => {
      logSpace.keep()
      if (unindexed >= indexAt) writeIndex()
      if (walPages >= checkpointPages) unlessRefused(() => checkpoint("passive"))
    },
    close: () => {
      logSpace.close()
      try {
        writeIndex()
        checkpoint("truncate")
      } finally {
        db.close()
      }
    }
  }
}
