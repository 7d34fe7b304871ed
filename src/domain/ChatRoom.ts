import { Effect } from "effect"
import type { Clock } from "effect"
import type { Json } from "effect/Schema"
import type { Journal, JournalError, Placed } from "../ports/Journal.ts"
import { countRejected } from "./EngineStats.ts"
import type { EngineStats } from "./EngineStats.ts"
import type { Permit } from "./Permit.ts"
import { outcomeUnknown, unavailable } from "./Rejection.ts"
import type { Rejection } from "./Rejection.ts"
import { Seq } from "./Room.ts"
import type { RoomName } from "./Room.ts"
import { decide, decideRepeated, emptyRoom, evolve } from "./RoomDecider.ts"
import type { RoomState } from "./RoomDecider.ts"
import type { Author, ClientId, Entry, RoomEvent } from "./RoomEvent.ts"
import { CommittedBatch, RoomTail } from "./RoomTail.ts"

/** Named bounds of one room. */
export interface RoomLimits {
  /** Commands that may wait; past it they are rejected as `room_busy`. */
  readonly mailbox: number
  /** Commands one turn takes at most, so that one commit and one write stay bounded. */
  readonly batch: number
  /** The tail: entries and bytes. */
  readonly tailEntries: number
  readonly tailBytes: number
}

export const defaultRoomLimits: RoomLimits = {
  mailbox: 8_192,
  batch: 1_024,
  tailEntries: 1_024,
  tailBytes: 1_048_576
}

/**
 * Whoever sent a command hears its outcome, once it is settled; called synchronously, must not throw. Of an accepted message without an id a wire may need
 * nothing: the message's own copy tells.
 */
export interface Sender {
  readonly permit: Permit
  readonly accepted: (id: ClientId | undefined, seq: Seq) => void
  readonly repeated: (id: ClientId, seq: Seq) => void
  /** `outcome_unknown` is not final: `accepted` may follow. */
  readonly rejected: (id: ClientId | undefined, rejection: Rejection) => void
}

/** A command in the mailbox; the room gives it its time. `size` is about what its text takes, bytes. */
export interface Waiting {
  readonly sender: Sender
  readonly author: Author
  readonly payload: Json
  readonly id: ClientId | undefined
  readonly size: number
}

/** Told of every committed batch, in order, synchronously; must not throw. */
export interface Follower {
  readonly committed: (batch: CommittedBatch) => void
  /** The room lost its footing (its writer died, or another process writes it): cut the sockets, they resume. */
  readonly lost: () => void
}

/** What one turn submitted: `submitted[i]` sent `events[i]`. */
interface Turn {
  readonly events: ReadonlyArray<RoomEvent>
  readonly submitted: ReadonlyArray<Waiting>
}

/**
 * One room: an actor whose state is a fold of its log. It has a fiber only while commands wait; asleep it is this object, and
 * the registry may drop it.
 */
export class ChatRoom {
  readonly name: RoomName
  readonly tail: RoomTail
  readonly followers = new Set<Follower>()
  /** `undefined` until it was read from the journal. */
  state: RoomState | undefined
  /** The position up to which followers were told; the head may be further while a batch is on its way. */
  published: Seq = Seq.make(0)
  /** What of the tail's bytes the registry has counted. */
  countedBytes = 0
  mailbox: Array<Waiting> = []
  /** Handed to the journal, not answered yet. */
  inFlight: ReadonlyArray<Waiting> = []
  running = false
  /** When its last turn was handed to the journal, and when that answered: nanoseconds since 1970 UTC. */
  submittedAt = 0n
  committedAt = 0n
  /** Who needs it in memory beside its own work: sockets, readers. */
  leases = 0

  constructor(name: RoomName, limits: RoomLimits) {
    this.name = name
    this.tail = new RoomTail({ maxEntries: limits.tailEntries, maxBytes: limits.tailBytes })
  }
}

/** What a room's fiber works with: one for all rooms. */
export interface RoomContext {
  readonly journal: Journal["Service"]
  readonly clock: Clock.Clock
  readonly limits: RoomLimits
  readonly stats: EngineStats["Service"]
  /** The room's state was read: whoever waits for it may go on. */
  readonly awake: (room: ChatRoom) => void
  /** A batch went into the room's tail: keep the budget of all tails. */
  readonly tailGrew: (room: ChatRoom) => void
  /** Readiness follows what the journal last said. */
  readonly journalAnswered: () => void
  readonly journalFailed: (error: JournalError) => void
}

/** Entries read back into a tail are batched like this, so that they are encoded in bounded pieces. */
const rehydratedBatch = 64

/** Reads head and tail from the journal. */
const rehydrate = (room: ChatRoom, context: RoomContext): Effect.Effect<void, JournalError> =>
  Effect.gen(function* () {
    const head = yield* context.journal.head(room.name)
    const after = Math.max(0, head - context.limits.tailEntries)
    const entries = head === 0 ? [] : yield* context.journal.read(room.name, Seq.make(after), head - after)
    for (let i = 0; i < entries.length; i += rehydratedBatch) {
      const [first, ...rest] = entries.slice(i, i + rehydratedBatch)
      if (first !== undefined)
        room.tail.push(new CommittedBatch(room.name, [first, ...rest], textBytes([first, ...rest])))
    }
    const state = entries.reduce(evolve, emptyRoom)
    room.state = { ...state, head }
    room.published = head
    context.tailGrew(room)
  })

/**
 * The room's fiber: decides what waits, hands it to the journal, publishes what was committed, and takes what came meanwhile. One batch at a time: what is on its
 * way at once would be two batches of half the size, and sockets are written to once a batch. Ends when nothing waits.
 */
export const run = (room: ChatRoom, context: RoomContext): Effect.Effect<void, JournalError> =>
  Effect.gen(function* () {
    if (room.state === undefined) {
      yield* rehydrate(room, context)
      context.journalAnswered()
      context.awake(room)
    }
    while (true) {
      const turn = takeTurn(room, context)
      if (turn === undefined) return
      room.inFlight = turn.submitted
      room.submittedAt = context.clock.currentTimeNanosUnsafe()
      const placed = yield* append(room, turn, context)
      room.committedAt = context.clock.currentTimeNanosUnsafe()
      if (placed.length > 0) context.journalAnswered()
      room.inFlight = []
      const committed = settle(room, turn, placed)
      // The journal resumes all rooms of a commit before it begins the next: nobody's sockets keep the disk waiting.
      yield* Effect.yieldNow
      publish(room, committed, context)
      // What the sockets brought meanwhile is read before the next batch leaves.
      yield* Effect.yieldNow
    }
  })

/** Takes what waits, up to a batch, and decides it in order. What needs no log is answered here; `undefined` when nothing waits. */
const takeTurn = (room: ChatRoom, { clock, limits, stats }: RoomContext): Turn | undefined => {
  const { state } = room
  if (state === undefined) return undefined
  const at = clock.currentTimeMillisUnsafe()
  while (room.mailbox.length > 0) {
    stats.mailboxDepth.observe(room.mailbox.length)
    const waiting = takeUpTo(room, limits.batch)
    const events: Array<RoomEvent> = []
    const submitted: Array<Waiting> = []
    for (const command of waiting) {
      const { author, id, payload, sender } = command
      if (sender.permit.revoked !== undefined) {
        countRejected(stats, sender.permit.revoked.code)
        sender.rejected(id, sender.permit.revoked)
        continue
      }
      const decision = decide(state, { type: "PostMessage", author, payload, id, at })
      if (decision._tag === "Accepted") {
        events.push(decision.event)
        submitted.push(command)
      } else if (decision._tag === "Rejected") {
        countRejected(stats, decision.rejection.code)
        sender.rejected(id, decision.rejection)
      } else if (id !== undefined) sender.repeated(id, decision.seq)
    }
    if (events.length > 0) return { events, submitted }
  }
  return undefined
}

const takeUpTo = (room: ChatRoom, limit: number): ReadonlyArray<Waiting> => {
  const waiting = room.mailbox
  room.mailbox = waiting.length > limit ? waiting.splice(limit) : []
  return waiting
}

/**
 * Submits a turn. An unknown outcome is settled by submitting the very same entries again until the journal answers definitely: reading
 * alone settles nothing, a late write may still land. Its senders hear of it once. After the first unknown a refusal settles nothing either:
 * it speaks of its own attempt alone.
 */
const append = (room: ChatRoom, turn: Turn, context: RoomContext): Effect.Effect<ReadonlyArray<Placed>, JournalError> =>
  Effect.suspend(() => context.journal.append(room.name, room.state?.head ?? Seq.make(0), turn.events)).pipe(
    Effect.catch((error) => {
      // Fenced, or broken: the room is lost, and whoever drops it tells its senders.
      if (error.reason !== "Unknown" && error.reason !== "Refused") return Effect.fail(error)
      context.journalFailed(error)
      const isUnknown = error.reason === "Unknown"
      if (!isUnknown) countRejected(context.stats, unavailable.code, turn.submitted.length)
      for (const { id, sender } of turn.submitted) sender.rejected(id, isUnknown ? outcomeUnknown : unavailable)
      return isUnknown ? submitAgain(room, turn, context) : Effect.succeed([])
    })
  )

const firstPauseMillis = 50
const longestPauseMillis = 1_000

const submitAgain = (
  room: ChatRoom,
  turn: Turn,
  context: RoomContext
): Effect.Effect<ReadonlyArray<Placed>, JournalError> =>
  Effect.gen(function* () {
    for (let pause = firstPauseMillis; ; pause = Math.min(2 * pause, longestPauseMillis)) {
      yield* Effect.sleep(pause)
      const placed = yield* context.journal
        .append(room.name, room.state?.head ?? Seq.make(0), turn.events)
        .pipe(
          Effect.catch((error) =>
            error.reason === "Unknown" || error.reason === "Refused" ? Effect.succeed(undefined) : Effect.fail(error)
          )
        )
      if (placed !== undefined) return placed
      refuseWaiting(room, context)
    }
  })

/** Who waits behind an outage is told so: none of it was submitted. */
const refuseWaiting = (room: ChatRoom, { stats }: RoomContext): void => {
  const waiting = room.mailbox
  room.mailbox = []
  countRejected(stats, unavailable.code, waiting.length)
  for (const { id, sender } of waiting) sender.rejected(id, unavailable)
}

/** A turn that the journal answered: what is new in the log, and what its senders are to hear once it was published. */
interface Committed {
  readonly batch: CommittedBatch | undefined
  readonly turn: Turn
  readonly placed: ReadonlyArray<Placed>
}

const settle = (room: ChatRoom, turn: Turn, placed: ReadonlyArray<Placed>): Committed => {
  let state = room.state ?? emptyRoom
  const fresh: Array<Entry> = []
  for (let i = 0; i < placed.length; i++) {
    const place = placed[i]
    const event = turn.events[i]
    if (place === undefined || event === undefined || place.earlier !== undefined) continue
    const entry: Entry = { seq: place.seq, event }
    state = evolve(state, entry)
    fresh.push(entry)
  }
  room.state = state
  const [first, ...rest] = fresh
  const size = turn.submitted.reduce((bytes, command) => bytes + command.size, 0)
  return {
    batch: first === undefined ? undefined : new CommittedBatch(room.name, [first, ...rest], size),
    turn,
    placed
  }
}

/** Everything here is on disk. */
const publish = (room: ChatRoom, { batch, placed, turn }: Committed, context: RoomContext): void => {
  if (batch !== undefined) {
    context.stats.messagesCommitted += batch.entries.length
    room.tail.push(batch)
    room.published = batch.last
    context.stats.batchMessages.observe(batch.entries.length)
    const began = context.clock.currentTimeNanosUnsafe()
    for (const follower of room.followers) follower.committed(batch)
    context.stats.fanOutSeconds.observe(Number(context.clock.currentTimeNanosUnsafe() - began) / 1e9)
    context.tailGrew(room)
  }
  for (let i = 0; i < placed.length; i++) {
    const place = placed[i]
    const command = turn.submitted[i]
    if (place === undefined || command === undefined) continue
    const { id, payload, sender } = command
    if (place.earlier === undefined || id === undefined) {
      sender.accepted(id, place.seq)
      continue
    }
    const decision = decideRepeated(payload, place.earlier)
    if (decision._tag === "Repeated") sender.repeated(id, decision.seq)
    else if (decision._tag === "Rejected") {
      countRejected(context.stats, decision.rejection.code)
      sender.rejected(id, decision.rejection)
    }
  }
}

const textBytes = (entries: ReadonlyArray<Entry>): number =>
  entries.reduce((bytes, { event }) => bytes + JSON.stringify(event.payload).length, 0)
