import { Result } from "effect"
import { JournalError } from "../../ports/Journal.ts"
import type { AppendAnswer } from "../../ports/Journal.ts"

/** One room's append. */
export interface GatheredBatch {
  readonly count: number
  /** About what it takes on its way, in the unit of `Capacity.size`. */
  readonly size: number
  readonly answered: (answer: AppendAnswer) => void
}

/** What one commit takes at most; a single batch that is larger is a commit of its own. What does not fit waits for the next one. */
export interface Capacity {
  readonly size: number
  readonly events: number
}

export interface Gathering<Batch extends GatheredBatch> {
  /**
   * Leaves at the end of this turn of the event loop where no commit is under way, with all that the turn submitted; else with everything that waits, when this one
   * is answered.
   */
  readonly submit: (batch: Batch) => void
  /** The commit that is under way is over: `answerOf` is asked once for each of its batches, in order. */
  readonly answered: (answerOf: (batch: Batch, index: number) => AppendAnswer) => void
  /** Fails what waits, and not what is under way. Later ones are taken as ever. */
  readonly refuseWaiting: (error: JournalError) => void
  /** Fails everything that waits and everything later. The first reason stays. */
  readonly refuseAll: (error: JournalError) => void
  /** Takes no more appends; calls back, once, when nothing is under way. */
  readonly finish: (finished: () => void) => void
}

/**
 * Gathers the appends of all rooms into commits, one under way at a time. This is the hot path: plain functions, arrays
 * that are used again.
 */
export const makeGathering = <Batch extends GatheredBatch>(options: {
  readonly capacity: Capacity
  /** Begins a commit. The array is the gathering's again when the commit is answered. */
  readonly commit: (batches: ReadonlyArray<Batch>) => void
  /** Told of each commit that was answered, and how many milliseconds that took. */
  readonly onCommit: (batches: number, events: number, millis: number) => void
}): Gathering<Batch> => {
  const { capacity } = options
  let waiting: Array<Batch> = []
  let underWay: Array<Batch> = []
  let committing = false
  let began = 0
  let closed: AppendAnswer | undefined
  let whenFinished: (() => void) | undefined

  const flush = (): void => {
    // Refused meanwhile.
    if (waiting.length === 0) return over()
    takeBatches()
    began = performance.now()
    options.commit(underWay)
  }

  const over = (): void => {
    committing = false
    whenFinished?.()
  }

  /** Moves what the next commit takes from `waiting` to `underWay`, which is empty. */
  const takeBatches = (): void => {
    let size = 0
    let events = 0
    let taken = 0
    for (const batch of waiting) {
      size += batch.size
      events += batch.count
      if ((size > capacity.size || events > capacity.events) && taken > 0) break
      taken++
    }
    if (taken === waiting.length) {
      const empty = underWay
      underWay = waiting
      waiting = empty
    } else {
      underWay = waiting.slice(0, taken)
      waiting = waiting.slice(taken)
    }
  }

  return {
    submit: (batch) => {
      if (closed !== undefined) {
        batch.answered(closed)
        return
      }
      waiting.push(batch)
      if (committing) return
      committing = true
      queueMicrotask(flush)
    },
    answered: (answerOf) => {
      if (!committing) return
      let events = 0
      for (const batch of underWay) events += batch.count
      options.onCommit(underWay.length, events, performance.now() - began)
      // Whoever is answered may submit again right here: the mark is still set, so all of these share a commit.
      let index = 0
      for (const batch of underWay) batch.answered(answerOf(batch, index++))
      underWay.length = 0
      flush()
    },
    refuseWaiting: (error) => {
      const failed = waiting
      waiting = []
      for (const batch of failed) batch.answered(Result.fail(error))
    },
    refuseAll: (error) => {
      const why = (closed ??= Result.fail(error))
      const failed = [...underWay, ...waiting]
      underWay = []
      waiting = []
      for (const { answered } of failed) answered(why)
      over()
    },
    finish: (finished) => {
      closed ??= Result.fail(new JournalError({ reason: "Refused", detail: "the journal is closed" }))
      whenFinished = () => {
        whenFinished = undefined
        finished()
      }
      if (!committing) whenFinished()
    }
  }
}
