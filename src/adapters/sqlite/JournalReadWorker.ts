import { parentPort, workerData } from "node:worker_threads"
import { openToRead } from "./JournalDatabase.ts"
import type { FromReader, JournalFile, ReadRequest, ToReader } from "./JournalProtocol.ts"
import { asInteger, DamagedRow, isBusy, sqliteFailure } from "./SqliteFailure.ts"
import { makeStoredBatches } from "./StoredBatches.ts"

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
  const stored = makeStoredBatches(db)
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

  const batches = ({ request, room, after, limit }: ReadRequest): FromReader => {
    const firsts: Array<number> = []
    const entries: Array<string> = []
    let next = after + 1
    for (const batch of stored.from(findRoom(room) ?? -1, next)) {
      // A position is missing: the file lost a batch that was committed.
      if (batch.first > next || (firsts.length > 0 && batch.first !== next))
        throw new DamagedRow("a room's log has a hole")
      firsts.push(batch.first)
      entries.push(batch.entries)
      next = batch.end
      if (next > after + limit) break
    }
    return { type: "batches", request, firsts, entries }
  }

  return {
    answer: (message) => {
      stored.refresh()
      const { limit, request, room } = message
      return limit === 0 ? { type: "head", request, head: stored.head(findRoom(room) ?? -1) } : batches(message)
    },
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
