import { setTimeout } from "node:timers/promises"
import { Effect, Layer } from "effect"
import { layer as sqliteJournal } from "../../../src/adapters/sqlite/Journal.ts"
import type { JournalOptions } from "../../../src/adapters/sqlite/Journal.ts"
import { Seq } from "../../../src/domain/Room.ts"
import type { RoomName } from "../../../src/domain/Room.ts"
import type { Entry, RoomEvent } from "../../../src/domain/RoomEvent.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import type { Placed } from "../../../src/ports/Journal.ts"
import { appendingBy } from "../../support/AppendingJournal.ts"
import type { Fault } from "./Fault.ts"

type Service = Journal["Service"]
type Append = Service["append"]

/** One append in so many loses an entry. */
const everyNth = 20
/** What was answered and is not stored yet. */
const lateMillis = 150

const keyOf = ({ author, id }: RoomEvent): string => `${author.kind}\n${author.name}\n${id}`

/** Answers first, and knows what it answered. What it has not stored yet is lost with the process. */
const publishBeforeCommit = ({ append, head, read }: Service): Append => {
  const rooms = new Map<RoomName, { readonly known: Map<string, Entry>; stored: Promise<unknown> }>()
  const open = (name: RoomName) =>
    Effect.gen(function* () {
      const last = yield* head(name)
      const entries = last === 0 ? [] : yield* read(name, Seq.make(0), last)
      const room = { known: new Map(entries.map((entry) => [keyOf(entry.event), entry])), stored: Promise.resolve() }
      rooms.set(name, room)
      return room
    })
  return (name, head, events) =>
    Effect.gen(function* () {
      const room = rooms.get(name) ?? (yield* open(name))
      const fresh: Array<RoomEvent> = []
      const placed = events.map((event): Placed => {
        const earlier = event.id === undefined ? undefined : room.known.get(keyOf(event))
        if (earlier !== undefined) return { seq: earlier.seq, earlier }
        fresh.push(event)
        const seq = Seq.make(head + fresh.length)
        room.known.set(keyOf(event), { seq, event })
        return { seq, earlier: undefined }
      })
      const { stored } = room
      const late = setTimeout(lateMillis)
      room.stored = (async () => {
        await stored
        await late
        await Effect.runPromise(Effect.exit(append(name, head, fresh)))
      })()
      return placed
    })
}

/** Tells the sender of a message that it is stored, and does not store it. */
const droppedEntry = ({ append }: Service): Append => {
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
  ({ append }: Service): Append =>
  (room, head, events) => {
    const [first, second, ...rest] = events
    return append(room, head, first === undefined || second === undefined ? events : [second, first, ...rest])
  }

/** Knows a message that it has, and stores it once more. */
const duplicateOnRetry =
  ({ append }: Service): Append =>
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

const misbehaviours: Readonly<Record<Fault, (journal: Service) => Append>> = {
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
      return appendingBy(journal, misbehave(journal))
    })
  ).pipe(Layer.provide(sqliteJournal(options)))
