import { Effect, Result } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { Placed } from "../../ports/Journal.ts"
import { encodeEvent, idempotencyKey } from "../journal/EventCodec.ts"
import type { Outcome, Submissions } from "./JournalProtocol.ts"
import { readEvent } from "./StoredEntries.ts"

/** A commit takes batches until it holds so many characters of them; the rest is the next commit's. */
const commitCharacters = 8 * 1024 * 1024

type Answer = Effect.Effect<ReadonlyArray<Placed>, JournalError>

interface Waiting {
  readonly room: RoomName
  readonly expectedHead: number
  readonly count: number
  readonly entries: string
  readonly keys: Array<string> | undefined
  readonly resume: (answer: Answer) => void
}

export interface GroupCommit {
  /** Leaves at once where no commit is under way, else with everything that waits, when this one is answered. */
  readonly append: (room: RoomName, expectedHead: number, events: ReadonlyArray<RoomEvent>) => Answer
  /** The writer answered the commit that is under way. */
  readonly committed: (outcomes: ReadonlyArray<Outcome> | undefined) => void
  /** Fails everything that waits and everything later. The first reason stays. */
  readonly refuseAll: (error: JournalError) => void
  /** Takes no more appends; calls back, once, when nothing is under way. */
  readonly finish: (finished: () => void) => void
}

/**
 * Gathers the appends of all rooms into commits, one under way at a time. This is the hot path: plain functions, one
 * message a commit, arrays that are used again.
 */
export const makeGroupCommit = (options: {
  readonly send: (submissions: Submissions) => void
  readonly onCommit: (batches: number, events: number) => void
}): GroupCommit => {
  let waiting: Array<Waiting> = []
  let underWay: Array<Waiting> = []
  let committing = false
  let closed: Effect.Effect<never, JournalError> | undefined
  let whenFinished: (() => void) | undefined
  const submissions: Submissions = { rooms: [], expectedHeads: [], counts: [], entries: [], keys: [] }

  const flush = (): void => {
    const taken = takeBatches()
    submissions.rooms.length = 0
    submissions.expectedHeads.length = 0
    submissions.counts.length = 0
    submissions.entries.length = 0
    submissions.keys.length = 0
    for (const batch of taken) {
      submissions.rooms.push(batch.room)
      submissions.expectedHeads.push(batch.expectedHead)
      submissions.counts.push(batch.count)
      submissions.entries.push(batch.entries)
      submissions.keys.push(batch.keys)
    }
    committing = true
    options.send(submissions)
  }

  /** Moves what the next commit takes from `waiting` to `underWay`, which is empty. */
  const takeBatches = (): ReadonlyArray<Waiting> => {
    let characters = 0
    let size = 0
    for (const batch of waiting) {
      characters += batch.entries.length
      if (characters > commitCharacters && size > 0) break
      size++
    }
    if (size === waiting.length) {
      const empty = underWay
      underWay = waiting
      waiting = empty
    } else {
      underWay = waiting.slice(0, size)
      waiting = waiting.slice(size)
    }
    return underWay
  }

  const append: GroupCommit["append"] = (room, expectedHead, events) =>
    Effect.callback((resume) => {
      if (closed !== undefined) {
        resume(closed)
        return
      }
      waiting.push({
        room,
        expectedHead,
        count: events.length,
        entries: encodeBatch(events),
        keys: keysOf(events),
        resume
      })
      if (!committing) flush()
    })

  const committed: GroupCommit["committed"] = (outcomes) => {
    if (!committing) return
    let events = 0
    for (const batch of underWay) events += batch.count
    options.onCommit(underWay.length, events)
    // A resumed fiber runs right here until it waits again, and may append: the mark is still set, so all of these share a commit.
    let index = 0
    for (const { resume, room, expectedHead, count } of underWay) {
      resume(answer(room, expectedHead, count, outcomes?.[index++]))
    }
    underWay.length = 0
    committing = false
    if (waiting.length > 0) flush()
    else whenFinished?.()
  }

  const refuseAll: GroupCommit["refuseAll"] = (error) => {
    closed = Effect.fail(error)
    const failed = [...underWay, ...waiting]
    underWay = []
    waiting = []
    committing = false
    for (const { resume } of failed) resume(closed)
    whenFinished?.()
  }

  const finish: GroupCommit["finish"] = (finished) => {
    closed ??= Effect.fail(new JournalError({ reason: "Refused", detail: "the journal is closed" }))
    whenFinished = () => {
      whenFinished = undefined
      finished()
    }
    if (!committing) whenFinished()
  }

  return { append, committed, refuseAll, finish }
}

const encodeBatch = (events: ReadonlyArray<RoomEvent>): string => {
  let text = "["
  for (const event of events) text += text.length === 1 ? encodeEvent(event) : `,${encodeEvent(event)}`
  return `${text}]`
}

const keysOf = (events: ReadonlyArray<RoomEvent>): Array<string> | undefined =>
  events.some((event) => event.id !== undefined) ? events.map(idempotencyKey) : undefined

const unchecked = { disableChecks: true }

const answer = (room: RoomName, expectedHead: number, count: number, outcome: Outcome): Answer => {
  const placed: Array<Placed> = []
  if (outcome === undefined) {
    // Positions that were checked when the batch before was answered, plus one, plus one …
    for (let seq = expectedHead + 1; seq <= expectedHead + count; seq++) {
      placed.push({ seq: Seq.make(seq, unchecked), earlier: undefined })
    }
    return Effect.succeed(placed)
  }
  if ("reason" in outcome) return Effect.fail(new JournalError(outcome))
  for (const [index, position] of outcome.seqs.entries()) {
    const seq = Seq.make(position)
    const text = outcome.earlier[index]
    if (text === undefined) {
      placed.push({ seq, earlier: undefined })
      continue
    }
    const event = readEvent(room, seq, text)
    if (Result.isFailure(event)) return Effect.fail(event.failure)
    placed.push({ seq, earlier: { seq, event: event.success } })
  }
  return Effect.succeed(placed)
}
