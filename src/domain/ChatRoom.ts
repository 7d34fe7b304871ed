import type { Json } from "effect/Schema"
import type { Permit } from "./Permit.ts"
import type { Rejection } from "./Rejection.ts"
import { Seq } from "./Room.ts"
import type { RoomName } from "./Room.ts"
import type { RoomState } from "./RoomDecider.ts"
import type { Author, ClientId } from "./RoomEvent.ts"
import { RoomTail } from "./RoomTail.ts"
import type { CommittedBatch } from "./RoomTail.ts"

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

/** Whoever gets what the room publishes; called synchronously, in the log's order, must not throw. */
export interface Follower {
  /** Told of every committed batch. */
  readonly committed?: (batch: CommittedBatch) => void
  /**
   * Hands on what was published, to a bounded part of those who lack it. Returns how many entries at most somebody still lacks: asked again until nobody does, and after every
   * batch.
   */
  readonly serve?: () => number
  /** The room lost its footing (its writer died, or another process writes it): cut the sockets, they resume. */
  readonly lost: () => void
}

/**
 * One room: an actor whose state is a fold of its log. It takes turns while commands wait (see `RoomTurns`); asleep it is this object, and
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
  /** How many of the published entries at most a follower has still to hand on to somebody. */
  owed = 0
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
