import { Context, Effect, Schema } from "effect"
import type { Result } from "effect"
import type { Epoch, RoomName, Seq } from "../domain/Room.ts"
import type { Entry, RoomEvent } from "../domain/RoomEvent.ts"

/**
 * Why an append or a read failed.
 *
 * - `Refused`: definite. Nothing of this room's batch was stored; it may be sent again later (the disk is full,
 *   the store answers that it is not available).
 * - `Fenced`: definite. The room's head is not the expected one and what stands there is not what was submitted:
 *   somebody else writes this room. The caller steps down from it.
 * - `Unknown`: a time-out or a lost connection. All, a prefix or nothing may be stored, also later. Only submitting
 *   the very same entries again settles it.
 * - `Broken`: the store cannot be trusted any more (EIO, corruption). The process drains and exits.
 */
export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  reason: Schema.Literals(["Refused", "Fenced", "Unknown", "Broken"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `journal ${this.reason.toLowerCase()}: ${this.detail}`
  }
}

/** Where one submitted event stands: `seq` is past the expected head when this append stored it. */
export interface Placed {
  readonly seq: Seq
  /** Set when an earlier entry of the same author already carried this client id: that entry. */
  readonly earlier: Entry | undefined
}

/** What an append is answered: one `Placed` an event, in order. */
export type AppendAnswer = Result.Result<ReadonlyArray<Placed>, JournalError>

/** Hands a batch in and returns at once; `answered` is called once, now or later, and must not throw. */
export type Submit = (
  room: RoomName,
  expectedHead: Seq,
  events: ReadonlyArray<RoomEvent>,
  answered: (answer: AppendAnswer) => void
) => void

/**
 * The log of every room: append-only, durable, ordered.
 *
 * **Order.** A room's positions are 1, 2, 3 … in the order of its appends. Rooms are independent.
 *
 * **Durability.** When `append` answers, what it answers is on disk (or as durable as the adapter's docstring says).
 * The adapter gathers the appends of all rooms that are waiting into one commit; a lone append never waits for company.
 *
 * **Atomicity.** Each entry is atomic. A prefix of a batch may be stored when the outcome is `Unknown`.
 * Rooms that share a commit fail separately.
 *
 * **Idempotency.** Per room, author kind, author name and client id, for ever: a second one is not stored, and its answer
 * names the first (`earlier`), whatever its content: comparing is the caller's. Submitting the very same
 * (room, expected head, events) again answers as the first time would have.
 *
 * **Not here.** Who may write, what a message may hold, who is told: that is the room's.
 */
export class Journal extends Context.Service<
  Journal,
  {
    readonly epoch: Epoch
    /**
     * Stores `events` after `expectedHead` and answers one `Placed` an event, in order. Events without an `earlier` get
     * `expectedHead + 1`, `+ 2` … At most one append of a room is under way at a time: the caller sees to that.
     */
    readonly append: (
      room: RoomName,
      expectedHead: Seq,
      events: ReadonlyArray<RoomEvent>
    ) => Effect.Effect<ReadonlyArray<Placed>, JournalError>
    /** The same without a fiber, for the hot path: what is submitted within one turn of the event loop shares a commit. */
    readonly submit: Submit
    /** Completes when the store answers: a question as small as can be. */
    readonly ping: Effect.Effect<void, JournalError>
    /** The last position of the room; 0 where it has none. */
    readonly head: (room: RoomName) => Effect.Effect<Seq, JournalError>
    /** Entries after `after`, oldest first, at most `limit` (≥ 1). Fewer only at the log's end. */
    readonly read: (room: RoomName, after: Seq, limit: number) => Effect.Effect<ReadonlyArray<Entry>, JournalError>
  }
>()("parley/ports/Journal") {}

/** `append`, of an adapter that has `submit`. */
export const appendBy =
  (submit: Submit): Journal["Service"]["append"] =>
  (room, expectedHead, events) =>
    Effect.callback((resume) => submit(room, expectedHead, events, (answer) => resume(Effect.fromResult(answer))))
