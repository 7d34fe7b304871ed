import { Effect, Layer } from "effect"
import { layer as sqliteJournal } from "../../../src/adapters/sqlite/Journal.ts"
import type { JournalOptions } from "../../../src/adapters/sqlite/Journal.ts"
import { Seq } from "../../../src/domain/Room.ts"
import type { RoomName } from "../../../src/domain/Room.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import type { Placed } from "../../../src/ports/Journal.ts"
import type { Fault } from "./Fault.ts"

type Append = Journal["Service"]["append"]

/** One append in so many loses an entry. */
const everyNth = 20
/** What was answered and is not stored yet. */
const lateMillis = 150

/** Answers first. What it answered is lost with the process, if that dies before the write. */
const publishBeforeCommit = (append: Append): Append => {
  const stored = new Map<RoomName, Promise<unknown>>()
  return (room, head, events) =>
    Effect.sync(() => {
      const before = stored.get(room) ?? Promise.resolve()
      const write = Effect.delay(Effect.exit(append(room, head, events)), lateMillis)
      stored.set(
        room,
        before.then(() => Effect.runPromise(write))
      )
      return events.map((_, index): Placed => ({ seq: Seq.make(head + index + 1), earlier: undefined }))
    })
}

/** Tells the sender of a message that it is stored, and does not store it. */
const droppedEntry = (append: Append): Append => {
  let appends = 0
  return (room, head, events) =>
    Effect.gen(function* () {
      const dropped = ++appends % everyNth === 0 ? events.findIndex(({ id }) => id !== undefined) : -1
      const event = events[dropped]
      if (event === undefined) return yield* append(room, head, events)
      const rest = events.toSpliced(dropped, 1)
      const placed = rest.length === 0 ? [] : yield* append(room, head, rest)
      const seq = Seq.make(head + dropped + 1)
      return placed.toSpliced(dropped, 0, { seq, earlier: { seq, event } })
    })
}

/** Stores two in another order than it answers. */
const swappedPair =
  (append: Append): Append =>
  (room, head, events) => {
    const [first, second, ...rest] = events
    return append(room, head, first === undefined || second === undefined ? events : [second, first, ...rest])
  }

/** Knows a message that it has, and stores it once more. */
const duplicateOnRetry =
  (append: Append): Append =>
  (room, head, events) =>
    Effect.gen(function* () {
      const placed: Array<Placed> = []
      for (const event of events) {
        const at = Seq.make(head + placed.length)
        const [place] = yield* append(room, at, [event])
        const { id: _, ...nameless } = event
        if (place?.earlier !== undefined) yield* append(room, at, [nameless])
        placed.push({ seq: Seq.make(at + 1), earlier: undefined })
      }
      return placed
    })

const misbehaviours: Readonly<Record<Fault, (append: Append) => Append>> = {
  "publish before commit": publishBeforeCommit,
  "a dropped entry": droppedEntry,
  "a swapped pair": swappedPair,
  "a duplicate on retry": duplicateOnRetry
}

/** The SQLite journal, with the fault that the environment names. */
export const layer = (options: JournalOptions) =>
  Layer.effect(
    Journal,
    Effect.map(Journal, (journal) => {
      const misbehave = misbehaviours[process.env["DELIVERY_FAULT"] as Fault]
      return { ...journal, append: misbehave(journal.append) }
    })
  ).pipe(Layer.provide(sqliteJournal(options)))
