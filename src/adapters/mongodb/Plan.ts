import { Effect } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { Placed } from "../../ports/Journal.ts"
import { encodeEvent } from "../journal/EventCodec.ts"
import { place } from "../journal/Placement.ts"
import type { RoomReads } from "./RoomReads.ts"
import { storedKey, toDocument } from "./StoredDocument.ts"
import type { StoredDocument } from "./StoredDocument.ts"

/** What is to be inserted of one room's batch, and its answer when that is stored. */
export interface Plan {
  readonly documents: ReadonlyArray<StoredDocument>
  readonly placed: ReadonlyArray<Placed>
  /** Where the room's log ends then, at least. */
  readonly head: number
}

const unchecked = { disableChecks: true }

const storedKeys = (room: RoomName, events: ReadonlyArray<RoomEvent>): ReadonlyArray<string> =>
  events.map((event) => (event.id === undefined ? "" : storedKey(room, event)))

/**
 * The plan where the log ends at the expected head and knows none of the ids: the usual case, which asks nobody. Where it is wrong, the
 * unique indexes refuse it.
 */
export const hopefulPlan = (room: RoomName, expectedHead: number, events: ReadonlyArray<RoomEvent>): Plan => {
  const documents: Array<StoredDocument> = []
  const placed: Array<Placed> = []
  let head = expectedHead
  let firsts: Map<string, Placed> | undefined
  for (const event of events) {
    const key = event.id === undefined ? "" : storedKey(room, event)
    const first = key === "" ? undefined : firsts?.get(key)
    if (first !== undefined) {
      placed.push(first)
      continue
    }
    head++
    const seq = Seq.make(head, unchecked)
    documents.push(toDocument(room, head, event))
    placed.push({ seq, earlier: undefined })
    if (key !== "") (firsts ??= new Map()).set(key, { seq, earlier: { seq, event } })
  }
  return { documents, placed, head }
}

/**
 * The plan out of what the log holds. The head is read first: what lands after that is found as missing, and the index refuses
 * it.
 */
export const readPlan = (
  reads: RoomReads,
  room: RoomName,
  expectedHead: number,
  events: ReadonlyArray<RoomEvent>
): Effect.Effect<Plan, JournalError> =>
  Effect.gen(function* () {
    const keys = storedKeys(room, events)
    const head = yield* reads.head(room)
    const [there, known] = yield* Effect.all(
      [
        head > expectedHead && events.length > 0 ? reads.read(room, expectedHead, events.length) : Effect.succeed([]),
        reads.withKeys(room, [...new Set(keys.filter((key) => key !== ""))])
      ],
      { concurrency: 2 }
    )
    const placement = place(
      {
        head,
        seqOf: (key) => known.get(key)?.seq,
        textAt: (seq) => {
          const entry = there[seq - expectedHead - 1]
          return entry === undefined ? "" : encodeEvent(entry.event)
        }
      },
      expectedHead,
      events.map(encodeEvent),
      keys
    )
    if (placement === undefined)
      return yield* new JournalError({ reason: "Fenced", detail: `the head is ${head}, not ${expectedHead}` })
    const bySeq = new Map([...known.values()].map((entry) => [Number(entry.seq), entry]))
    const documents: Array<StoredDocument> = []
    const missing = new Set(placement.missing)
    const placed: Array<Placed> = []
    for (const [index, event] of events.entries()) {
      const seq = Seq.make(placement.seqs[index] ?? 0)
      if (missing.has(index)) documents.push(toDocument(room, seq, event))
      if (placement.repeated[index] === true) placed.push({ seq, earlier: bySeq.get(seq) ?? { seq, event } })
      else {
        placed.push({ seq, earlier: undefined })
        bySeq.set(seq, { seq, event })
      }
    }
    return { documents, placed, head: Math.max(head, ...placed.map(({ seq }) => seq)) }
  })
