// Hot path: once a batch and room; plain functions, and one task of the scheduler a step for all rooms together.
import { Cause, Effect, Result } from "effect"
import type { Fiber, Scheduler } from "effect"
import type { AppendAnswer, Journal, JournalError, Placed } from "../ports/Journal.ts"
import type { ChatRoom } from "./ChatRoom.ts"
import { outcomeUnknown, unavailable } from "./Rejection.ts"
import { Seq } from "./Room.ts"
import { emptyRoom, evolve } from "./RoomDecider.ts"
import type { Entry } from "./RoomEvent.ts"
import { CommittedBatch } from "./RoomTail.ts"
import { publish, reject, serve, settle, takeTurn } from "./Turn.ts"
import type { Committed, Turn, TurnContext } from "./Turn.ts"

/** What rooms need of whoever owns them. None of it may throw. */
export interface RoomTurnsContext extends TurnContext {
  readonly journal: Journal["Service"]
  readonly dispatcher: Scheduler.SchedulerDispatcher
  /** Runs what takes long: a room that is read, an outcome that is unknown. */
  readonly fork: (effect: Effect.Effect<void, JournalError>) => Fiber.Fiber<void, JournalError>
  /** The room's state was read: whoever waits for it may go on. */
  readonly awake: (room: ChatRoom) => void
  /** Readiness follows what the journal last said. */
  readonly journalAnswered: () => void
  readonly journalFailed: (error: JournalError) => void
  /** Nothing waits any more; or the room lost its footing, and why. */
  readonly ended: (room: ChatRoom, failure: Cause.Cause<JournalError> | undefined) => void
}

export interface RoomTurns {
  /**
   * A room has commands again, or is to be read from the journal: it takes turns until nothing waits, then it is `ended`. Not again before that.
   */
  readonly begin: (room: ChatRoom) => void
}

/** Entries read back into a tail are batched like this, so that they are encoded in bounded pieces. */
const rehydratedBatch = 64

/**
 * A crowd is served in parts, and what has come is committed between two of them: so a message waits for a part, not for all. Where more entries than this are to be handed on, or wait, the
 * crowd is served first: large batches carry the most, and what somebody lacks stays in the tail.
 */
const betweenParts = 16
/** So long a commit between two parts may keep the next part waiting: its thread wants a processor, too, and so do readers on this machine. */
const partWaitsMillis = 4

const firstPauseMillis = 50
const longestPauseMillis = 1_000

/**
 * Takes the rooms through their turns: decides what waits, hands it to the journal, publishes what was committed, and takes what came meanwhile. A room has one batch
 * on its way at a time: two at once would be of half the size, and sockets are written to once a batch.
 *
 * What the rooms do at one time they do together, in one task of the scheduler: their turns begin together, so that their appends share a commit, and what one commit
 * answered is published together. Between the two the sockets are read. A room with a crowd takes turns and serves parts of it, one after the other.
 */
export const makeRoomTurns = (context: RoomTurnsContext): RoomTurns => {
  const { dispatcher, journal, stats } = context
  let beginning: Array<ChatRoom> = []
  let answeredTurns: Array<{ readonly room: ChatRoom; readonly committed: Committed }> = []

  const begin = (room: ChatRoom): void => {
    beginning.push(room)
    if (beginning.length === 1) dispatcher.scheduleTask(beginAll, 0)
  }

  const beginAll = (): void => {
    const rooms = beginning
    beginning = []
    for (const room of rooms) guarded(room, room.state === undefined ? wake : next)
  }

  /** A defect ends its room, and no other. What comes late for a room that was ended is nobody's any more. */
  const guarded = (room: ChatRoom, step: (room: ChatRoom) => void): void => {
    if (!room.running) return
    const outcome = Result.try(() => step(room))
    if (Result.isFailure(outcome)) context.ended(room, Cause.die(outcome.failure))
  }

  const later = (room: ChatRoom, millis: number, step: () => void): void => {
    context.fork(
      Effect.andThen(
        Effect.sleep(millis),
        Effect.sync(() => guarded(room, step))
      )
    )
  }

  const wake = (room: ChatRoom): void => {
    context.fork(rehydrate(room)).addObserver((exit) => {
      if (exit._tag === "Failure") return context.ended(room, exit.cause)
      guarded(room, () => {
        context.tailGrew(room)
        context.journalAnswered()
        context.awake(room)
        next(room)
      })
    })
  }

  /** Reads head and tail from the journal. */
  const rehydrate = (room: ChatRoom): Effect.Effect<void, JournalError> =>
    Effect.gen(function* () {
      const head = yield* journal.head(room.name)
      const after = Math.max(0, head - context.limits.tailEntries)
      const entries = head === 0 ? [] : yield* journal.read(room.name, Seq.make(after), head - after)
      for (let i = 0; i < entries.length; i += rehydratedBatch) {
        const [first, ...rest] = entries.slice(i, i + rehydratedBatch)
        if (first !== undefined)
          room.tail.push(new CommittedBatch(room.name, [first, ...rest], textBytes([first, ...rest])))
      }
      const state = entries.reduce(evolve, emptyRoom)
      room.state = { ...state, head }
      room.published = head
    })

  const next = (room: ChatRoom): void => {
    const isMuch = room.owed > 0 && room.owed + room.mailbox.length > betweenParts
    const turn = isMuch ? undefined : takeTurn(room, context)
    if (turn !== undefined) return take(room, turn)
    if (room.owed === 0) return context.ended(room, undefined)
    serve(room, context)
    begin(room)
  }

  const take = (room: ChatRoom, turn: Turn): void => {
    room.inFlight = turn.submitted
    room.submittedAt = context.clock.currentTimeNanosUnsafe()
    submit(room, turn, (answer) => {
      if (Result.isSuccess(answer)) answered(room, turn, answer.success)
      else refused(room, turn, answer.failure)
    })
    if (room.owed === 0) return
    later(room, partWaitsMillis, () => serveMeanwhile(room, turn))
  }

  /** The journal takes its time: nobody waits for it who waits for what is published. */
  const serveMeanwhile = (room: ChatRoom, turn: Turn): void => {
    if (room.inFlight !== turn.submitted || room.owed === 0) return
    serve(room, context)
    dispatcher.scheduleTask(() => guarded(room, () => serveMeanwhile(room, turn)), 0)
  }

  const submit = (room: ChatRoom, { events }: Turn, heard: (answer: AppendAnswer) => void): void =>
    journal.submit(room.name, room.state?.head ?? Seq.make(0), events, (answer) => guarded(room, () => heard(answer)))

  const answered = (room: ChatRoom, turn: Turn, placed: ReadonlyArray<Placed>): void => {
    room.committedAt = context.clock.currentTimeNanosUnsafe()
    if (placed.length > 0) context.journalAnswered()
    answeredTurns.push({ room, committed: settle(room, turn, placed) })
    room.inFlight = []
    // The journal answers all rooms of a commit before it begins the next: nobody's sockets keep the disk waiting.
    if (answeredTurns.length === 1) dispatcher.scheduleTask(publishAll, 0)
  }

  const publishAll = (): void => {
    const turns = answeredTurns
    answeredTurns = []
    for (const { committed, room } of turns) {
      guarded(room, () => {
        publish(room, committed, context)
        // What the sockets brought meanwhile is read before the next batch leaves.
        begin(room)
      })
    }
  }

  /**
   * A refusal says that nothing was stored. An unknown outcome is settled by submitting the very same entries again until the journal answers definitely: reading
   * alone settles nothing, a late write may still land. Its senders hear of it once.
   */
  const refused = (room: ChatRoom, turn: Turn, error: JournalError): void => {
    // Whoever drops the room tells its senders.
    if (losesRoom(error)) return context.ended(room, Cause.fail(error))
    context.journalFailed(error)
    if (error.reason === "Refused") {
      room.inFlight = []
      reject(turn.submitted, unavailable, stats)
      return answered(room, turn, [])
    }
    for (const { id, sender } of turn.submitted) sender.rejected(id, outcomeUnknown)
    submitAgain(room, turn, firstPauseMillis)
  }

  /** After the first unknown a refusal settles nothing either: it speaks of its own attempt alone. */
  const submitAgain = (room: ChatRoom, turn: Turn, pause: number): void => {
    const again = (): void =>
      submit(room, turn, (answer) => {
        if (Result.isSuccess(answer)) return answered(room, turn, answer.success)
        if (losesRoom(answer.failure)) return context.ended(room, Cause.fail(answer.failure))
        // Who waits behind an outage is told so: none of it was submitted.
        const waiting = room.mailbox
        room.mailbox = []
        reject(waiting, unavailable, stats)
        submitAgain(room, turn, Math.min(2 * pause, longestPauseMillis))
      })
    later(room, pause, again)
  }

  return { begin }
}

/** Another process writes it, or the journal cannot be trusted any more. */
const losesRoom = ({ reason }: JournalError): boolean => reason === "Fenced" || reason === "Broken"

const textBytes = (entries: ReadonlyArray<Entry>): number =>
  entries.reduce((bytes, { event }) => bytes + JSON.stringify(event.payload).length, 0)
