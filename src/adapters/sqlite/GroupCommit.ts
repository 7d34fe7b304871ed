import { Result } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { AppendAnswer, Placed, Submit } from "../../ports/Journal.ts"
import { encodeEvent, idempotencyKey } from "../journal/EventCodec.ts"
import { makeGathering } from "../journal/Gathering.ts"
import type { GatheredBatch } from "../journal/Gathering.ts"
import type { Outcome, Submissions } from "./JournalProtocol.ts"
import { readEvent } from "./StoredEntries.ts"

/** A commit takes batches until it holds so many characters of them; the rest is the next commit's. */
const commitCharacters = 8 * 1024 * 1024

interface Waiting extends GatheredBatch {
  readonly room: RoomName
  readonly expectedHead: number
  readonly entries: string
  readonly keys: Array<string> | undefined
}

export interface GroupCommit {
  readonly submit: Submit
  /** The writer answered the commit that is under way. */
  readonly committed: (outcomes: ReadonlyArray<Outcome> | undefined) => void
  /** Fails everything that waits and everything later. The first reason stays. */
  readonly refuseAll: (error: JournalError) => void
  /** Takes no more appends; calls back, once, when nothing is under way. */
  readonly finish: (finished: () => void) => void
}

/** The appends of all rooms, one message a commit to the writer. This is the hot path: arrays that are used again. */
export const makeGroupCommit = (options: {
  readonly send: (submissions: Submissions) => void
  readonly onCommit: (batches: number, events: number, millis: number) => void
}): GroupCommit => {
  const submissions: Submissions = { rooms: [], expectedHeads: [], counts: [], entries: [], keys: [] }

  const gathering = makeGathering<Waiting>({
    capacity: { size: commitCharacters, events: Infinity },
    onCommit: options.onCommit,
    commit: (batches) => {
      submissions.rooms.length = 0
      submissions.expectedHeads.length = 0
      submissions.counts.length = 0
      submissions.entries.length = 0
      submissions.keys.length = 0
      for (const batch of batches) {
        submissions.rooms.push(batch.room)
        submissions.expectedHeads.push(batch.expectedHead)
        submissions.counts.push(batch.count)
        submissions.entries.push(batch.entries)
        submissions.keys.push(batch.keys)
      }
      options.send(submissions)
    }
  })

  return {
    submit: (room, expectedHead, events, answered) => {
      const entries = encodeBatch(events)
      const size = entries.length
      gathering.submit({ room, expectedHead, count: events.length, size, entries, keys: keysOf(events), answered })
    },
    committed: (outcomes) =>
      gathering.answered(({ room, expectedHead, count }, index) =>
        answer(room, expectedHead, count, outcomes?.[index])
      ),
    refuseAll: gathering.refuseAll,
    finish: gathering.finish
  }
}

const encodeBatch = (events: ReadonlyArray<RoomEvent>): string => {
  let text = "["
  for (const event of events) text += text.length === 1 ? encodeEvent(event) : `,${encodeEvent(event)}`
  return `${text}]`
}

const keysOf = (events: ReadonlyArray<RoomEvent>): Array<string> | undefined =>
  events.some((event) => event.id !== undefined) ? events.map(idempotencyKey) : undefined

const unchecked = { disableChecks: true }

const answer = (room: RoomName, expectedHead: number, count: number, outcome: Outcome): AppendAnswer => {
  const placed: Array<Placed> = []
  if (outcome === undefined) {
    // Positions that were checked when the batch before was answered, plus one, plus one …
    for (let seq = expectedHead + 1; seq <= expectedHead + count; seq++) {
      placed.push({ seq: Seq.make(seq, unchecked), earlier: undefined })
    }
    return Result.succeed(placed)
  }
  if ("reason" in outcome) return Result.fail(new JournalError(outcome))
  for (const [index, position] of outcome.seqs.entries()) {
    const seq = Seq.make(position)
    const text = outcome.earlier[index]
    if (text === undefined) {
      placed.push({ seq, earlier: undefined })
      continue
    }
    const event = readEvent(room, seq, text)
    if (Result.isFailure(event)) return Result.fail(event.failure)
    placed.push({ seq, earlier: { seq, event: event.success } })
  }
  return Result.succeed(placed)
}
