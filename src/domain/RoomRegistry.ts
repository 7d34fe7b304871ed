import { Cause, Clock, Context, Deferred, Effect, FiberSet, Layer, Scheduler } from "effect"
import { Journal } from "../ports/Journal.ts"
import { JournalError } from "../ports/Journal.ts"
import { ChatRoom, defaultRoomLimits } from "./ChatRoom.ts"
import type { RoomLimits, Waiting } from "./ChatRoom.ts"
import { EngineStats } from "./EngineStats.ts"
import { Readiness } from "./Readiness.ts"
import { outcomeUnknown, roomBusy, unavailable } from "./Rejection.ts"
import type { Rejection } from "./Rejection.ts"
import type { RoomName } from "./Room.ts"
import { makeRoomTurns } from "./RoomTurns.ts"
import { reject } from "./Turn.ts"

export interface RoomRegistryOptions {
  readonly limits?: Partial<RoomLimits>
  /** Rooms that are kept asleep, with their tails; past it the one asleep longest is forgotten. */
  readonly maxAsleep?: number
  /** What the tails of all rooms may hold together, bytes; past it the longest-quiet room's tail gives way. */
  readonly tailBudget?: number
}

/**
 * Owns the rooms of this process. A room starts on first use, read from the journal's tail; it takes turns while commands wait, one at a time; without sockets and work it
 * sleeps as a plain object, and at most `maxAsleep` (1,000) sleep: their tails share `tailBudget` (64 MiB) with all others.
 */
export class RoomRegistry extends Context.Service<
  RoomRegistry,
  {
    /** Hands a command in: synchronous, no more than a push. The rejection says why it was not taken. */
    readonly offer: (room: RoomName, waiting: Waiting) => Rejection | undefined
    /** The room, awake, and kept in memory until as many `leave`s. */
    readonly enter: (room: RoomName) => Effect.Effect<ChatRoom, JournalError>
    /** The same, now, where the room is awake: no fiber. */
    readonly enterAwake: (room: RoomName) => ChatRoom | undefined
    readonly leave: (room: ChatRoom) => void
    /** The room if it is in memory: for a look at its tail. */
    readonly inMemory: (room: string) => ChatRoom | undefined
    /** Commands that wait now, in all rooms. A walk over the rooms: for whoever asks now and then. */
    readonly waiting: () => number
    /** The rooms in memory, in no order. */
    readonly all: () => Iterable<ChatRoom>
    /** Rooms that take turns now. */
    readonly running: () => number
    /** Completes when no room runs: all that was taken in is answered. */
    readonly whenIdle: Effect.Effect<void>
  }
>()("parley/domain/RoomRegistry") {
  static readonly layer = (options: RoomRegistryOptions = {}) => Layer.effect(RoomRegistry, make(options))
}

const closingMillis = 2_000

const make = Effect.fnUntraced(function* (options: RoomRegistryOptions) {
  const journal = yield* Journal
  const readiness = yield* Readiness
  const stats = yield* EngineStats
  const clock = yield* Clock.Clock
  const limits = { ...defaultRoomLimits, ...options.limits }
  const maxAsleep = options.maxAsleep ?? 1_000
  const tailBudget = options.tailBudget ?? 64 * 1_048_576

  /** Quietest first: a room moves to the end when it commits. */
  const rooms = new Map<RoomName, ChatRoom>()
  /** Whatever text is asked for: what is no room's name is not in it. */
  const byText: ReadonlyMap<string, ChatRoom> = rooms
  /** Asleep longest first. */
  const asleep = new Set<ChatRoom>()
  const awaiting = new Map<ChatRoom, Array<Deferred.Deferred<ChatRoom, JournalError>>>()
  let running = 0
  let closing = false
  let idle: Deferred.Deferred<void> | undefined

  const countTail = (room: ChatRoom) => {
    stats.tailBytes += room.tail.bytes - room.countedBytes
    room.countedBytes = room.tail.bytes
    if (stats.tailBytes > tailBudget) shrinkTails()
  }

  const tailGrew = (room: ChatRoom) => {
    if (rooms.get(room.name) === room) {
      rooms.delete(room.name)
      rooms.set(room.name, room)
    }
    countTail(room)
  }

  const fork = yield* FiberSet.makeRuntime<never, void, JournalError>()

  const turns = makeRoomTurns({
    journal,
    dispatcher: (yield* Scheduler.Scheduler).makeDispatcher(),
    fork,
    clock,
    limits,
    stats,
    awake: (room) => {
      for (const waiter of awaiting.get(room) ?? []) Deferred.doneUnsafe(waiter, Effect.succeed(room))
      awaiting.delete(room)
    },
    tailGrew,
    journalAnswered: () => readiness.set("journal", undefined),
    journalFailed: (error) => readiness.set("journal", error.detail),
    ended: (room, failure) => ended(room, failure)
  })

  const shrinkTails = () => {
    for (const room of rooms.values()) {
      while (!room.tail.isEmpty && stats.tailBytes > tailBudget) {
        room.tail.dropOldest()
        stats.tailBytes += room.tail.bytes - room.countedBytes
        room.countedBytes = room.tail.bytes
      }
      if (stats.tailBytes <= tailBudget) return
    }
  }

  const forget = (room: ChatRoom) => {
    asleep.delete(room)
    if (rooms.get(room.name) === room) rooms.delete(room.name)
    stats.tailBytes -= room.countedBytes
    room.countedBytes = 0
    stats.roomsInMemory = rooms.size
  }

  const sleepIfIdle = (room: ChatRoom) => {
    if (room.running || room.leases > 0 || room.mailbox.length > 0 || rooms.get(room.name) !== room) return
    asleep.add(room)
    for (const longest of asleep) {
      if (asleep.size <= maxAsleep) break
      forget(longest)
    }
  }

  const find = (name: RoomName): ChatRoom => {
    const known = rooms.get(name)
    if (known !== undefined) {
      asleep.delete(known)
      return known
    }
    const room = new ChatRoom(name, limits)
    room.tail.onGrow = () => {
      if (rooms.get(name) === room) countTail(room)
    }
    rooms.set(name, room)
    stats.roomsInMemory = rooms.size
    return room
  }

  const start = (room: ChatRoom) => {
    if (room.running) return
    room.running = true
    running += 1
    turns.begin(room)
  }

  const ended = (room: ChatRoom, failure: Cause.Cause<JournalError> | undefined) => {
    // What is interrupted at the end was ended already.
    if (!room.running) return
    room.running = false
    running -= 1
    if (failure !== undefined) lost(room, failure)
    else if (room.mailbox.length > 0) start(room)
    else sleepIfIdle(room)
    if (running > 0 || idle === undefined) return
    Deferred.doneUnsafe(idle, Effect.void)
    idle = undefined
  }

  /** A room that failed knows nothing any more: it is dropped, and read anew on its next use. */
  const lost = (room: ChatRoom, cause: Cause.Cause<JournalError>) => {
    const refusal = cause.reasons.find((reason) => reason._tag === "Fail")?.error
    const error = refusal ?? new JournalError({ reason: "Refused", detail: "the room's turn died" })
    forget(room)
    for (const waiter of awaiting.get(room) ?? []) Deferred.doneUnsafe(waiter, Effect.fail(error))
    awaiting.delete(room)
    // A journal that answered "not stored" is sure; one that broke under way, and a turn that died, are not.
    const isSure = refusal !== undefined && refusal.reason !== "Broken"
    reject(room.inFlight, isSure ? unavailable : outcomeUnknown, stats)
    reject(room.mailbox, unavailable, stats)
    room.inFlight = []
    room.mailbox = []
    for (const follower of room.followers) follower.lost()
    // A defect is one room's, not the journal's: the others go on.
    if (refusal !== undefined) readiness.set("journal", refusal.detail)
    if (cause.reasons.some((reason) => reason._tag === "Die")) {
      fork(Effect.logError("A room's turn died; it starts anew on its next use", cause))
    }
  }

  const whenIdle = Effect.suspend(() => {
    if (running === 0) return Effect.void
    idle ??= Deferred.makeUnsafe<void>()
    return Deferred.await(idle)
  })

  // What was taken in is finished before the journal closes; a journal that does not answer is not waited for.
  yield* Effect.addFinalizer(() => {
    closing = true
    return Effect.andThen(
      Effect.timeoutOption(whenIdle, closingMillis),
      Effect.sync(() => {
        for (const room of rooms.values()) if (room.running) ended(room, Cause.interrupt())
      })
    )
  })

  return RoomRegistry.of({
    offer: (name, waiting) => {
      if (closing) return unavailable
      const room = find(name)
      if (room.mailbox.length >= limits.mailbox) return roomBusy
      room.mailbox.push(waiting)
      start(room)
      return undefined
    },
    enter: (name) =>
      Effect.suspend(() => {
        const room = find(name)
        room.leases += 1
        if (room.state !== undefined) return Effect.succeed(room)
        const waiter = Deferred.makeUnsafe<ChatRoom, JournalError>()
        const waiters = awaiting.get(room)
        if (waiters === undefined) awaiting.set(room, [waiter])
        else waiters.push(waiter)
        start(room)
        return Effect.onExit(Deferred.await(waiter), (exit) =>
          Effect.sync(() => {
            if (exit._tag === "Failure") leave(room)
          })
        )
      }),
    enterAwake: (name) => {
      const room = rooms.get(name)
      if (room?.state === undefined) return undefined
      asleep.delete(room)
      room.leases += 1
      return room
    },
    leave: (room) => leave(room),
    inMemory: (name) => byText.get(name),
    waiting: () => {
      let waiting = 0
      for (const room of rooms.values()) waiting += room.mailbox.length
      return waiting
    },
    all: () => rooms.values(),
    running: () => running,
    whenIdle
  })

  function leave(room: ChatRoom) {
    room.leases -= 1
    sleepIfIdle(room)
  }
})
