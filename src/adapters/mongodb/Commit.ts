import { Effect, Result } from "effect"
import type { RoomName } from "../../domain/Room.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { AppendAnswer } from "../../ports/Journal.ts"
import type { InsertFailure } from "./InsertFailure.ts"
import { hopefulPlan, readPlan } from "./Plan.ts"
import type { Plan } from "./Plan.ts"
import type { RoomHeads } from "./RoomHeads.ts"
import type { RoomReads } from "./RoomReads.ts"
import type { StoredDocument } from "./StoredDocument.ts"

/** One room's append, as it was submitted. */
export interface Submission {
  readonly room: RoomName
  readonly expectedHead: number
  readonly events: ReadonlyArray<RoomEvent>
}

/** One ordered insert: `undefined` where all of it is stored. */
export type Insert = (documents: ReadonlyArray<StoredDocument>) => Effect.Effect<InsertFailure | undefined>

/** So many rooms are looked up in the log at a time. */
const lookUpsAtOnce = 4

/** A batch that the index refuses and the log does not explain is looked up again, so often, before its outcome is unknown. */
const lookUps = 8

interface Work {
  readonly submission: Submission
  plan: Plan | undefined
  answer: AppendAnswer | undefined
  /** Some of it may have been stored, by this commit or an earlier one: `Refused` would not be true any more. */
  touched: boolean
  lookedUp: number
}

/**
 * Stores the appends of many rooms by ordered inserts: one where nothing stands in the way. A duplicate stops an insert; its room is
 * looked up in the log (a repeated message, an own earlier write, or another writer), and the rest goes on from there.
 */
export const commit = (
  submissions: ReadonlyArray<Submission>,
  insert: Insert,
  reads: RoomReads,
  heads: RoomHeads
): Effect.Effect<ReadonlyArray<AppendAnswer>> => {
  const works: ReadonlyArray<Work> = submissions.map((submission) => {
    const { room, expectedHead, events } = submission
    const plan = heads.get(room) === expectedHead ? hopefulPlan(room, expectedHead, events) : undefined
    return { submission, plan, answer: undefined, touched: false, lookedUp: 0 }
  })

  const lookUp = (work: Work): Effect.Effect<void> => {
    const { room, expectedHead, events } = work.submission
    return Effect.result(readPlan(reads, room, expectedHead, events)).pipe(
      Effect.map((result) => {
        work.lookedUp++
        if (Result.isSuccess(result)) work.plan = result.success
        else {
          if (result.failure.reason === "Fenced") heads.forget(room)
          fail(work, result.failure)
        }
      })
    )
  }

  const run = Effect.gen(function* () {
    yield* Effect.forEach(
      works.filter((work) => work.plan === undefined),
      lookUp,
      { concurrency: lookUpsAtOnce, discard: true }
    )
    let pending = works.filter(isPending)
    while (pending.length > 0) {
      const documents = documentsOf(pending)
      const failure = documents.length === 0 ? undefined : yield* insert(documents)
      if (failure === undefined) {
        for (const work of pending) succeed(work, heads)
        break
      }
      if (failure.type !== "Stopped") {
        for (const work of pending) failWith(work, failure)
        break
      }
      const stopped = workAt(pending, failure.index)
      if (stopped === undefined) {
        for (const work of pending) failWith(work, { type: "Unknown", detail: failure.detail })
        break
      }
      for (const work of pending.slice(0, pending.indexOf(stopped.work))) succeed(work, heads)
      const { work } = stopped
      if (stopped.within > 0) work.touched = true
      if (!failure.duplicate) failWith(work, { type: "Denied", detail: failure.detail })
      else if (work.lookedUp >= lookUps) failWith(work, { type: "Unknown", detail: failure.detail })
      else {
        work.touched = true
        // A client that comes back repeats what it is not sure of, and others do so with it.
        const doubtful = pending.filter(
          (other) => isPending(other) && (other === work || (other.lookedUp === 0 && hasIds(other)))
        )
        yield* Effect.forEach(doubtful, lookUp, { concurrency: lookUpsAtOnce, discard: true })
      }
      pending = pending.filter(isPending)
    }
  })

  return run.pipe(
    Effect.catchDefect((defect) => {
      const detail = defect instanceof Error ? defect.message : String(defect)
      for (const work of works.filter(isPending)) failWith(work, { type: "Unknown", detail })
      return Effect.void
    }),
    Effect.map(() => works.map((work) => work.answer ?? unanswered))
  )
}

/** What no answer was found for is submitted again. */
export const unanswered: AppendAnswer = Result.fail(
  new JournalError({ reason: "Unknown", detail: "a batch without an answer" })
)

const isPending = (work: Work): boolean => work.answer === undefined

const hasIds = (work: Work): boolean => work.submission.events.some((event) => event.id !== undefined)

const documentsOf = (works: ReadonlyArray<Work>): ReadonlyArray<StoredDocument> =>
  works.flatMap((work) => work.plan?.documents ?? [])

const succeed = (work: Work, heads: RoomHeads): void => {
  if (work.plan === undefined) return
  heads.set(work.submission.room, work.plan.head)
  work.answer = Result.succeed(work.plan.placed)
}

/** Whose document stands at `index` of what was inserted together, and where within the batch's own. */
const workAt = (
  works: ReadonlyArray<Work>,
  index: number
): { readonly work: Work; readonly within: number } | undefined => {
  let begin = 0
  for (const work of works) {
    const end = begin + (work.plan?.documents.length ?? 0)
    if (index < end) return { work, within: index - begin }
    begin = end
  }
  return undefined
}

const fail = (work: Work, error: JournalError): void => {
  // A look-up that failed says nothing of what was stored before it.
  const reason = error.reason === "Refused" && work.touched ? "Unknown" : error.reason
  work.answer = Result.fail(reason === error.reason ? error : new JournalError({ reason, detail: error.detail }))
}

const failWith = (
  work: Work,
  failure: { readonly type: "Unsent" | "Denied" | "Unknown"; readonly detail: string }
): void =>
  fail(work, new JournalError({ reason: failure.type === "Unknown" ? "Unknown" : "Refused", detail: failure.detail }))
