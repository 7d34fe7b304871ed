// Hot path: once a batch and room; plain functions.
import { Array as Arr, Result } from "effect"
import type { Clock } from "effect"
import type { Placed } from "../ports/Journal.ts"
import type { ChatRoom, RoomLimits, Waiting } from "./ChatRoom.ts"
import { countRejected } from "./EngineStats.ts"
import type { EngineStats } from "./EngineStats.ts"
import type { Rejection } from "./Rejection.ts"
import { decide, decideRepeated, emptyRoom, evolve } from "./RoomDecider.ts"
import type { Entry, RoomEvent } from "./RoomEvent.ts"
import { CommittedBatch } from "./RoomTail.ts"

/** What turns work with: one for all rooms. */
export interface TurnContext {
  readonly clock: Clock.Clock
  readonly limits: RoomLimits
  readonly stats: EngineStats["Service"]
  /** A batch went into the room's tail: keep the budget of all tails, where this room is the last to give way now. */
  readonly tailGrew: (room: ChatRoom) => void
}

/** What one turn submitted: `submitted[i]` sent `events[i]`. */
export interface Turn {
  readonly events: ReadonlyArray<RoomEvent>
  readonly submitted: ReadonlyArray<Waiting>
}

/** Takes what waits, up to a batch, and decides it in order. What needs no log is answered here; `undefined` when nothing waits. */
export const takeTurn = (room: ChatRoom, { clock, limits, stats }: TurnContext): Turn | undefined => {
  const { state } = room
  if (state === undefined) return undefined
  const at = clock.currentTimeMillisUnsafe()
  while (room.mailbox.length > 0) {
    stats.mailboxDepth.observe(room.mailbox.length)
    const waiting = takeUpTo(room, limits.batch)
    const events: Array<RoomEvent> = []
    const submitted: Array<Waiting> = []
    let decided = 0
    const outcome = Result.try(() => {
      for (const command of waiting) {
        const { author, id, payload, sender } = command
        if (sender.permit.revoked !== undefined) {
          countRejected(stats, sender.permit.revoked.code)
          sender.rejected(id, sender.permit.revoked)
        } else {
          const decision = decide(state, { type: "PostMessage", author, payload, id, at })
          if (decision._tag === "Accepted") {
            events.push(decision.event)
            submitted.push(command)
          } else if (decision._tag === "Rejected") {
            countRejected(stats, decision.rejection.code)
            sender.rejected(id, decision.rejection)
          } else if (id !== undefined) sender.repeated(id, decision.seq)
        }
        decided += 1
      }
    })
    if (Result.isFailure(outcome)) {
      // A defect leaves nobody without an answer: these were not submitted, and wait for whoever drops the room.
      room.mailbox = [...submitted, ...waiting.slice(decided), ...room.mailbox]
      Result.getOrThrow(outcome)
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

/** A turn that the journal answered: what is new in the log, and what its senders are to hear once it was published. */
export interface Committed {
  readonly batch: CommittedBatch | undefined
  readonly turn: Turn
  readonly placed: ReadonlyArray<Placed>
}

/** Takes what was stored into the room's state. */
export const settle = (room: ChatRoom, turn: Turn, placed: ReadonlyArray<Placed>): Committed => {
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
  let size = 0
  for (const command of turn.submitted) size += command.size
  const batch = Arr.isReadonlyArrayNonEmpty(fresh) ? new CommittedBatch(room.name, fresh, size) : undefined
  return { batch, turn, placed }
}

/** Lets the followers go on handing on what was published. */
export const serve = (room: ChatRoom, { stats }: TurnContext): void => {
  const began = performance.now()
  let owed = 0
  for (const follower of room.followers) owed = Math.max(owed, follower.serve?.() ?? 0)
  room.owed = owed
  stats.fanOutSeconds.observe((performance.now() - began) / 1_000)
}

/** Everything here is on disk. */
export const publish = (room: ChatRoom, committed: Committed, context: TurnContext): void => {
  const { batch, placed, turn } = committed
  let told = 0
  const outcome = Result.try(() => {
    if (batch !== undefined) handOn(room, batch, context)
    for (; told < placed.length; told++) tell(placed[told], turn.submitted[told], context)
  })
  if (Result.isSuccess(outcome)) return
  // A defect leaves nobody without an answer: whoever drops the room tells these that it is not known.
  room.inFlight = turn.submitted.slice(told)
  Result.getOrThrow(outcome)
}

const handOn = (room: ChatRoom, batch: CommittedBatch, context: TurnContext): void => {
  context.stats.messagesCommitted += batch.entries.length
  room.tail.push(batch)
  room.published = batch.last
  // First: what is encoded below may push other rooms' batches out, not this one.
  context.tailGrew(room)
  context.stats.batchMessages.observe(batch.entries.length)
  for (const follower of room.followers) follower.committed?.(batch)
  serve(room, context)
}

const tell = (place: Placed | undefined, command: Waiting | undefined, { stats }: TurnContext): void => {
  if (place === undefined || command === undefined) return
  const { id, payload, sender } = command
  if (place.earlier === undefined || id === undefined) return sender.accepted(id, place.seq)
  const decision = decideRepeated(payload, place.earlier)
  if (decision._tag === "Repeated") sender.repeated(id, decision.seq)
  else if (decision._tag === "Rejected") {
    countRejected(stats, decision.rejection.code)
    sender.rejected(id, decision.rejection)
  }
}

/** Its senders hear that it was not stored, or that nobody knows; once each. */
export const reject = (commands: ReadonlyArray<Waiting>, rejection: Rejection, stats: EngineStats["Service"]): void => {
  countRejected(stats, rejection.code, commands.length)
  for (const { id, sender } of commands) sender.rejected(id, rejection)
}
