import { Context, Deferred, Effect, Layer, Schema, Stream } from "effect"
import type { Scope } from "effect"
import type { Json } from "effect/Schema"
import { Journal } from "../ports/Journal.ts"
import type { JournalError } from "../ports/Journal.ts"
import type { ChatRoom } from "./ChatRoom.ts"
import { makePermit } from "./Permit.ts"
import { nameReserved, unavailable } from "./Rejection.ts"
import type { Rejection } from "./Rejection.ts"
import { isReserved } from "./ReservedNames.ts"
import { Seq } from "./Room.ts"
import type { RoomName } from "./Room.ts"
import { RoomRegistry } from "./RoomRegistry.ts"
import type { ClientId, Entry } from "./RoomEvent.ts"

/** The room did not take it. `retryable`: sending it again, with the same id, can help. */
export class RoomRejected extends Schema.TaggedError<RoomRejected>()("RoomRejected", {
  code: Schema.String,
  message: Schema.String,
  retryable: Schema.Boolean,
  retryAfterMs: Schema.optionalKey(Schema.Int)
}) {}

export interface ServiceMessage {
  readonly room: RoomName
  /** The name the service gives itself. It is never an account's, whatever it is: the author is `{kind: "service", name}`. */
  readonly from: string
  readonly message: string
  /** Makes the post idempotent, for ever: per room, service and id one message. */
  readonly id?: ClientId | undefined
}

/** What is no chat message: any JSON value. */
export interface ServicePublication extends Omit<ServiceMessage, "message"> {
  readonly payload: Json
}

/**
 * The rooms, for the program that the server is part of: what a socket can do, without one. The program is trusted: no limit of rate counts here, and
 * private rooms are open.
 */
export class Rooms extends Context.Service<
  Rooms,
  {
    /**
     * Puts a message into the room's log, between everybody else's; its position once it is durable. A repeated id answers the first one's position, and with another
     * text `id_conflict`. After `outcome_unknown` the message may stand in the log: post it again with the same id.
     */
    readonly post: (message: ServiceMessage) => Effect.Effect<Seq, RoomRejected>
    /** The same for any payload. */
    readonly publish: (publication: ServicePublication) => Effect.Effect<Seq, RoomRejected>
    /**
     * Every entry after `after`, once, in order, without a gap, then live; without `after`, what is committed from now on: nothing that is posted once this has answered is missed. Whoever is slow
     * costs a position, no queue. `position_unknown` where the log ends before `after`. The room is kept in memory until the scope ends.
     */
    readonly follow: (
      room: RoomName,
      after?: Seq
    ) => Effect.Effect<Stream.Stream<Entry, JournalError>, JournalError | RoomRejected, Scope.Scope>
  }
>()("parley/domain/Rooms") {
  static readonly layer: Layer.Layer<Rooms, never, RoomRegistry | Journal> = Layer.effect(
    Rooms,
    Effect.suspend(() => make)
  )
}

/** Entries that a follower gets at once, at most. */
const followedPage = 128

const rejected = ({ code, message, retryAfterMs, retryable }: Rejection): RoomRejected =>
  new RoomRejected(
    retryAfterMs === undefined ? { code, message, retryable } : { code, message, retryable, retryAfterMs }
  )

const positionUnknown = (head: Seq): Rejection => ({
  code: "position_unknown",
  message: `The position to go on from is not in this room's log, whose last is ${head}.`,
  retryable: false
})

const make = Effect.gen(function* () {
  const registry = yield* RoomRegistry
  const journal = yield* Journal

  const offer = ({ from, id, payload, room }: ServicePublication) =>
    Effect.callback<Seq, RoomRejected>((resume) => {
      const permit = makePermit()
      const refuse = (rejection: Rejection): void => resume(Effect.fail(rejected(rejection)))
      const stored = (_: ClientId | undefined, seq: Seq): void => resume(Effect.succeed(seq))
      const refusal = registry.offer(room, {
        sender: { permit, accepted: stored, repeated: stored, rejected: (_, rejection) => refuse(rejection) },
        author: { kind: "service", name: from },
        payload,
        id,
        size: JSON.stringify(payload).length
      })
      if (refusal !== undefined) refuse(refusal)
      // Whoever does not wait any more does not want it said, if it was not yet.
      return Effect.sync(() => {
        permit.revoked = unavailable
      })
    })

  const follow = Effect.fnUntraced(function* (name: RoomName, after?: Seq) {
    const follower = yield* Effect.acquireRelease(
      Effect.map(registry.enter(name), (room) => new RoomFollower(registry, journal, room, after ?? room.published)),
      (entered) => Effect.sync(() => entered.leave())
    )
    const head = follower.room.published
    if (after !== undefined && after > head) return yield* rejected(positionUnknown(head))
    return Stream.fromIterableEffectRepeat(follower.next())
  })

  const publish = (publication: ServicePublication) =>
    isReserved(publication.from) ? Effect.fail(rejected(nameReserved)) : offer(publication)

  return Rooms.of({
    post: ({ message, ...rest }) => publish({ ...rest, payload: { message } }),
    publish,
    follow
  })
})

/** A cursor in one room. */
class RoomFollower {
  room: ChatRoom
  #cursor: Seq
  #lost = false
  #wake: Deferred.Deferred<void> | undefined
  readonly #registry: RoomRegistry["Service"]
  readonly #journal: Journal["Service"]
  readonly #follower = {
    committed: (): void => this.#awake(),
    lost: (): void => {
      this.#lost = true
      this.#awake()
    }
  }

  constructor(registry: RoomRegistry["Service"], journal: Journal["Service"], room: ChatRoom, cursor: Seq) {
    this.#registry = registry
    this.#journal = journal
    this.room = room
    this.#cursor = cursor
    room.followers.add(this.#follower)
  }

  leave(): void {
    this.room.followers.delete(this.#follower)
    this.#registry.leave(this.room)
  }

  /** What stands after the cursor, as soon as there is something. */
  next(): Effect.Effect<ReadonlyArray<Entry>, JournalError> {
    return Effect.suspend(() => {
      if (this.#lost) return Effect.andThen(this.#enterAgain(), this.next())
      if (this.#cursor < this.room.published) return Effect.tap(this.#page(), (page) => this.#goOn(page))
      this.#wake = Deferred.makeUnsafe<void>()
      return Effect.andThen(Deferred.await(this.#wake), this.next())
    })
  }

  #page(): Effect.Effect<ReadonlyArray<Entry>, JournalError> {
    const held = this.room.tail.entriesAfter(this.#cursor, followedPage)
    return held !== undefined ? Effect.succeed(held) : this.#journal.read(this.room.name, this.#cursor, followedPage)
  }

  /** A room that was lost and read anew is another object; the cursor holds in both. */
  #enterAgain(): Effect.Effect<void, JournalError> {
    return Effect.map(this.#registry.enter(this.room.name), (room) => {
      this.leave()
      this.room = room
      this.#lost = false
      room.followers.add(this.#follower)
    })
  }

  #goOn(page: ReadonlyArray<Entry>): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#cursor = page.at(-1)?.seq ?? this.#cursor
    })
  }

  #awake(): void {
    const wake = this.#wake
    this.#wake = undefined
    if (wake !== undefined) Deferred.doneUnsafe(wake, Effect.void)
  }
}
