import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { layer as memoryJournal } from "../../src/adapters/memory/Journal.ts"
import { EngineStats } from "../../src/domain/EngineStats.ts"
import { Readiness } from "../../src/domain/Readiness.ts"
import { RoomName, Seq } from "../../src/domain/Room.ts"
import { ClientId } from "../../src/domain/RoomEvent.ts"
import type { Entry } from "../../src/domain/RoomEvent.ts"
import { RoomRegistry } from "../../src/domain/RoomRegistry.ts"
import { Rooms } from "../../src/domain/Rooms.ts"
import { Journal } from "../../src/ports/Journal.ts"
import { message as event } from "../support/Events.ts"
import { RecordingSender } from "../support/RecordingSender.ts"
import { JournalFaults, layer as unreliable } from "../support/UnreliableJournal.ts"

const lobby = RoomName.make("lobby")

const rooms = Rooms.layer.pipe(
  Layer.provideMerge(RoomRegistry.layer({ limits: { tailEntries: 4 } })),
  Layer.provideMerge(Layer.mergeAll(unreliable(memoryJournal), EngineStats.layer, Readiness.layer))
)

const post = (message: string, id?: string) =>
  Effect.flatMap(Rooms, (rooms) =>
    rooms.post({ room: lobby, from: "bot", message, id: id === undefined ? undefined : ClientId.make(id) })
  )

const follow = (after?: number) =>
  Effect.flatMap(Rooms, (rooms) => rooms.follow(lobby, after === undefined ? undefined : Seq.make(after)))

const seqs = (entries: ReadonlyArray<Entry>) => entries.map(({ seq }) => Number(seq))
const next = (entries: Stream.Stream<Entry, unknown>, count: number) =>
  entries.pipe(Stream.take(count), Stream.runCollect, Effect.map(seqs))

describe("Rooms", () => {
  it.effect("a service posts between everybody else, and is an author of its own", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const alice = new RecordingSender()
      registry.offer(lobby, alice.waiting({ kind: "account", name: "bot" }, "one", ClientId.make("x")))
      assert.strictEqual(yield* post("two", "x"), 2)
      const entries = yield* Effect.flatMap(Journal, (journal) => journal.read(lobby, Seq.make(0), 10))
      assert.deepStrictEqual(
        entries.map(({ event }) => event.author),
        [
          { kind: "account", name: "bot" },
          { kind: "service", name: "bot" }
        ]
      )
    }).pipe(Effect.provide(rooms))
  )

  it.effect("the same id is one message, and another text under it a conflict", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* post("hi", "x"), yield* post("hi", "x")], [1, 1])
      assert.strictEqual((yield* Effect.flip(post("other", "x"))).code, "id_conflict")
      assert.strictEqual(yield* post("hi"), 2)
    }).pipe(Effect.provide(rooms))
  )

  it.effect("nobody posts as the server", () =>
    Effect.gen(function* () {
      const service = yield* Rooms
      const refused = yield* Effect.flip(service.post({ room: lobby, from: "System", message: "hi" }))
      assert.deepStrictEqual([refused.code, refused.retryable], ["name_reserved", false])
    }).pipe(Effect.provide(rooms))
  )

  it.effect("says of a refused message that it may be sent again, and of an unknown outcome to send the same id", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      yield* faults.refuseNext
      assert.strictEqual((yield* Effect.flip(post("hi", "x"))).code, "unavailable")
      yield* faults.storeNextUnanswered
      assert.strictEqual((yield* Effect.flip(post("hi", "x"))).code, "outcome_unknown")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* post("hi", "x"), 1)
    }).pipe(Effect.provide(rooms))
  )

  it.effect("whoever is interrupted before the room decided has said nothing", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      const held = yield* faults.holdNext
      const first = yield* Effect.forkChild(post("first"), { startImmediately: true })
      yield* held.called
      const second = yield* Effect.forkChild(post("second"), { startImmediately: true })
      yield* Fiber.interrupt(second)
      yield* held.release
      assert.strictEqual(yield* Fiber.join(first), 1)
      assert.strictEqual(yield* post("third"), 2)
    }).pipe(Effect.provide(rooms))
  )

  it.effect("a post that the end overtakes has an unknown outcome, it does not hang", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.fresh(rooms), scope)
      const failed = yield* Effect.gen(function* () {
        const faults = yield* JournalFaults
        const held = yield* faults.holdNext
        const posting = yield* Effect.forkChild(Effect.flip(post("hi")), { startImmediately: true })
        yield* held.called
        yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        return yield* Fiber.join(posting)
      }).pipe(Effect.provideContext(context))
      assert.strictEqual(failed.code, "outcome_unknown")
    })
  )

  it.effect("a follower misses nothing from the moment on that it follows", () =>
    Effect.gen(function* () {
      yield* post("before")
      const entries = yield* follow()
      for (const text of ["a", "b", "c"]) yield* post(text)
      assert.deepStrictEqual(yield* next(entries, 3), [2, 3, 4])
    }).pipe(Effect.scoped, Effect.provide(rooms))
  )

  it.effect("a follower gets what is past, also what left the tail, then what comes, each once", () =>
    Effect.gen(function* () {
      for (let i = 1; i <= 10; i++) yield* post(`${i}`)
      const entries = yield* follow(2)
      const reading = yield* Effect.forkChild(next(entries, 12), { startImmediately: true })
      for (let i = 11; i <= 14; i++) yield* post(`${i}`)
      assert.deepStrictEqual(
        yield* Fiber.join(reading),
        Array.from({ length: 12 }, (_, i) => i + 3)
      )
    }).pipe(Effect.scoped, Effect.provide(rooms))
  )

  it.effect("a position that the log does not have is refused", () =>
    Effect.gen(function* () {
      yield* post("one")
      assert.strictEqual((yield* Effect.flip(follow(2)))._tag, "RoomRejected")
    }).pipe(Effect.scoped, Effect.provide(rooms))
  )

  it.effect("a follower goes on where it was when its room was lost and read anew", () =>
    Effect.gen(function* () {
      const entries = yield* follow()
      yield* post("one")
      assert.deepStrictEqual(yield* next(entries, 1), [1])
      const reading = yield* Effect.forkChild(next(entries, 2), { startImmediately: true })
      // Somebody else writes the room: the next append is fenced.
      const journal = yield* Journal
      yield* journal.append(lobby, Seq.make(1), [event("from elsewhere")])
      yield* Effect.flip(post("fenced"))
      yield* post("three")
      assert.deepStrictEqual(yield* Fiber.join(reading), [2, 3])
    }).pipe(Effect.scoped, Effect.provide(rooms))
  )

  it.effect("the room is let go with the scope", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      yield* Effect.scoped(follow())
      const room = registry.inMemory(lobby)
      assert.deepStrictEqual([room?.leases, room?.followers.size], [0, 0])
    }).pipe(Effect.provide(rooms))
  )
})
