import { parentPort, workerData } from "node:worker_threads"
import { openToRead } from "./JournalDatabase.ts"
import type { FromReader, JournalFile, ReadRequest, ToReader } from "./JournalProtocol.ts"
import { asInteger, asText, DamagedRow, isBusy, sqliteFailure } from "./SqliteFailure.ts"

/** So many rooms' numbers are remembered; when there are more, all are forgotten. */
const rememberedRooms = 16_384

/** The reader thread: its own connection, so that pages are read while a commit is under way. Each request sees all that was committed before it. */
const port = parentPort
if (port === null) throw new Error("the journal's reader runs in a worker thread")
const post = (message: FromReader): void => port.postMessage(message)

interface Pages {
  readonly answer: (request: ReadRequest) => FromReader
  readonly close: () => void
}

const open = (file: JournalFile): Pages => {
  const db = openToRead(file)
  const selectRoom = db.prepare("select id from rooms where name = ?")
  const selectHead = db.prepare(
    "select first + count - 1 as head from batches where room = ? order by first desc limit 1"
  )
  const selectBatches = db.prepare(
    "select first, count, entries from batches where room = ?1 and first >= coalesce(" +
      "(select max(first) from batches where room = ?1 and first <= ?2), ?2) order by first"
  )
  const ids = new Map<string, number>()

  const findRoom = (name: string): number | undefined => {
    const known = ids.get(name)
    if (known !== undefined) return known
    const row = selectRoom.get(name)
    if (row === undefined) return undefined
    if (ids.size >= rememberedRooms) ids.clear()
    const id = asInteger(row["id"])
    ids.set(name, id)
    return id
  }

  const head = (name: string): number => {
    const row = selectHead.get(findRoom(name) ?? -1)
    return row === undefined ? 0 : asInteger(row["head"])
  }

  const batches = ({ request, room, after, limit }: ReadRequest): FromReader => {
    const firsts: Array<number> = []
    const entries: Array<string> = []
    let next = after + 1
    for (const row of selectBatches.iterate(findRoom(room) ?? -1, after + 1)) {
      const first = asInteger(row["first"])
      const end = first + asInteger(row["count"])
      if (end <= next) continue // the batch that `after` ends
      // A position is missing: the file lost a batch that was committed.
      if (first > next || (next > after + 1 && first !== next)) throw new DamagedRow("a room's log has a hole")
      firsts.push(first)
      entries.push(asText(row["entries"]))
      next = end
      if (next > after + limit) break
    }
    return { type: "batches", request, firsts, entries }
  }

  return {
    answer: (message) =>
      message.limit === 0 ? { type: "head", request: message.request, head: head(message.room) } : batches(message),
    close: () => db.close()
  }
}

const file: JournalFile = workerData
let pages: Pages | undefined

port.on("message", (message: ToReader) => {
  if (message === "close") {
    pages?.close()
    port.close()
    return
  }
  try {
    pages ??= open(file)
    post(pages.answer(message))
  } catch (error) {
    const failure = sqliteFailure(error)
    post(
      isBusy(failure)
        ? { type: "unread", request: message.request, detail: failure.detail }
        : { type: "broken", detail: failure.detail }
    )
  }
})
