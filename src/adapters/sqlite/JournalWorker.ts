import { parentPort, workerData } from "node:worker_threads"
import { openToWrite } from "./JournalDatabase.ts"
import type { FromWriter, JournalFile, ToWriter } from "./JournalProtocol.ts"
import { makeJournalStore } from "./JournalStore.ts"
import type { JournalStore } from "./JournalStore.ts"
import { sqliteFailure } from "./SqliteFailure.ts"

/** The writer thread: the one connection that writes the journal. Loads nothing but `node:sqlite`. */
const port = parentPort
if (port === null) throw new Error("the journal's writer runs in a worker thread")
const post = (message: FromWriter): void => port.postMessage(message)

const serve = (store: JournalStore): void => {
  let broken = false
  port.on("message", (message: ToWriter) => {
    if (message === "close") {
      try {
        if (!broken) store.close()
      } catch {
        // What could not be moved out of the write-ahead log is durable there, and recovered at the next start.
      }
      port.close()
      return
    }
    if (broken) return
    try {
      post({ type: "committed", outcomes: store.commit(message) })
      store.maintain()
    } catch (error) {
      broken = true
      post({ type: "broken", detail: sqliteFailure(error).detail })
    }
  })
}

const file: JournalFile = workerData
try {
  const { db, epoch } = openToWrite(file)
  const store = makeJournalStore(db)
  serve(store)
  post({ type: "opened", epoch })
} catch (error) {
  post({ type: "broken", detail: sqliteFailure(error).detail })
}
