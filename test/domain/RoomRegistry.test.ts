import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { layer as memoryJournal } from "../../src/adapters/memory/Journal.ts"
import type { ChatRoom, Follower } from "../../src/domain/ChatRoom.ts"
import { EngineStats } from "../../src/domain/EngineStats.ts"
import { Readiness } from "../../src/domain/Readiness.ts"
import { RoomName, Seq } from "../../src/domain/Room.ts"
import { RoomRegistry } from "../../src/domain/RoomRegistry.ts"
import type { RoomRegistryOptions } from "../../src/domain/RoomRegistry.ts"
import { ClientId } from "../../src/domain/RoomEvent.ts"
import type { Author } from "../../src/domain/RoomEvent.ts"
import type { CommittedBatch } from "../../src/domain/RoomTail.ts"
import { sessionEnded } from "../../src/domain/Rejection.ts"
import { Journal, JournalError } from "../../src/ports/Journal.ts"
import { appendingBy } from "../support/AppendingJournal.ts"
import { CommitsByHand, layer as byHand } from "../support/CommitsByHand.ts"
import { RecordingSender } from "../support/RecordingSender.ts"
import { JournalFaults, layer as unreliable } from "../support/UnreliableJournal.ts"

const lobby = RoomName.make("lobby")
const alice: Author = { kind: "account", name: "alice" }
const id = (text: string) => ClientId.make(text)
const messageOf = (payload: Schema.Json) =>
  typeof payload === "object" && payload !== null && "message" in payload ? payload.message : undefined

/** Everything a follower was told. */
class RecordingFollower implements Follower {
  readonly batches: Array<CommittedBatch> = []
  lostTimes = 0

  committed(batch: CommittedBatch): void {
    this.batches.push(batch)
  }

  lost(): void {
    this.lostTimes += 1
  }

  get seqs(): ReadonlyArray<number> {
    return this.batches.flatMap((batch) => batch.entries.map(({ seq }) => Number(seq)))
  }

  get messages(): ReadonlyArray<unknown> {
    return this.batches.flatMap((batch) => batch.entries.map(({ event }) => messageOf(event.payload)))
  }
}

/** Sockets that take three parts to serve. */
class Crowd implements Follower {
  readonly did: Array<string> = []
  /** Called within each part. */
  onPart: (part: number) => void = () => undefined
  /** Told when nobody lacks anything. */
  level = Deferred.makeUnsafe<void>()
  readonly #lacking: number
  #left = 0
  #parts = 0

  /** While somebody lacks something, so many entries it is. */
  constructor(lacking = 1) {
    this.#lacking = lacking
  }

  committed({ entries }: CommittedBatch): void {
    this.did.push(`batch of ${entries.length}`)
    this.#left = 3
  }

  serve(): number {
    if (this.#left === 0) return 0
    this.#left -= 1
    this.#parts += 1
    this.did.push("part")
    this.onPart(this.#parts)
    if (this.#left > 0) return this.#lacking
    Deferred.doneUnsafe(this.level, Effect.void)
    this.level = Deferred.makeUnsafe<void>()
    return 0
  }

  lost(): void {
    this.did.push("lost")
  }
}

const around = <R>(journal: Layer.Layer<Journal | R>, options: RoomRegistryOptions = {}) =>
  RoomRegistry.layer(options).pipe(Layer.provideMerge(Layer.mergeAll(journal, EngineStats.layer, Readiness.layer)))

const rooms = (options: RoomRegistryOptions = {}) => around(unreliable(memoryJournal), options)

const follow = (name: RoomName) =>
  Effect.gen(function* () {
    const registry = yield* RoomRegistry
    const room = yield* registry.enter(name)
    const follower = new RecordingFollower()
    room.followers.add(follower)
    return { room, follower }
  })

const say = (sender: RecordingSender, message: string, clientId?: ClientId) =>
  Effect.map(RoomRegistry, (registry) => registry.offer(lobby, sender.waiting(alice, message, clientId)))

describe("RoomRegistry", () => {
  it.effect("gives positions 1, 2, 3 … in the order in which commands came", () =>
    Effect.gen(function* () {
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      for (let i = 1; i <= 50; i++) yield* say(sender, `${i}`)
      const outcomes = yield* sender.awaitOutcomes(50)
      assert.deepStrictEqual(
        outcomes,
        Array.from({ length: 50 }, (_, i) => ({ _tag: "Accepted", seq: Seq.make(i + 1) }))
      )
      assert.deepStrictEqual(
        follower.seqs,
        Array.from({ length: 50 }, (_, i) => i + 1)
      )
      assert.strictEqual(follower.batches.length, 1)
    }).pipe(Effect.provide(rooms()))
  )

  it.effect(
    "tells nobody of a message before the journal has it, and gathers what comes meanwhile into one batch",
    () =>
      Effect.gen(function* () {
        const faults = yield* JournalFaults
        const { follower } = yield* follow(lobby)
        const held = yield* faults.holdNext
        const sender = new RecordingSender()
        yield* say(sender, "first")
        yield* held.called
        for (let i = 0; i < 10; i++) yield* say(sender, `next ${i}`)
        yield* Effect.yieldNow
        assert.deepStrictEqual([follower.batches.length, sender.outcomes.length], [0, 0])
        yield* held.release
        yield* sender.awaitOutcomes(11)
        assert.deepStrictEqual(
          follower.batches.map(({ entries }) => entries.length),
          [1, 10]
        )
      }).pipe(Effect.provide(rooms()))
  )

  it.effect("bounds a batch, and the mailbox: what is too much is told so, and is retryable", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      const { follower } = yield* follow(lobby)
      const held = yield* faults.holdNext
      const sender = new RecordingSender()
      yield* say(sender, "in flight")
      yield* held.called
      for (let i = 0; i < 10; i++) assert.isUndefined(yield* say(sender, `${i}`))
      const refused = yield* say(sender, "too much")
      assert.deepStrictEqual([refused?.code, refused?.retryable], ["room_busy", true])
      yield* held.release
      yield* sender.awaitOutcomes(11)
      assert.deepStrictEqual(
        follower.batches.map(({ entries }) => entries.length),
        [1, 4, 4, 2]
      )
    }).pipe(Effect.provide(rooms({ limits: { mailbox: 10, batch: 4 } })))
  )

  it.effect("answers a repeated id with its first position, whether the room or only the journal remembers it", () =>
    Effect.gen(function* () {
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      for (let i = 0; i < 200; i++) yield* say(sender, "x", id(`m${i}`))
      yield* say(sender, "x", id("m199"))
      yield* sender.awaitOutcomes(201)
      yield* say(sender, "x", id("m0"))
      yield* say(sender, "another", id("m0"))
      yield* say(sender, "another", id("m198"))
      const outcomes = yield* sender.awaitOutcomes(204)
      const tags = outcomes.slice(200).map((outcome) => (outcome._tag === "Rejected" ? outcome.code : outcome.seq))
      assert.sameDeepMembers(tags, [Seq.make(200), Seq.make(1), "id_conflict", "id_conflict"])
      assert.strictEqual(follower.seqs.length, 200)
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("stores an id that is sent twice within one batch once", () =>
    Effect.gen(function* () {
      const sender = new RecordingSender()
      const { follower } = yield* follow(lobby)
      yield* say(sender, "x", id("m"))
      yield* say(sender, "x", id("m"))
      yield* say(sender, "y")
      const outcomes = yield* sender.awaitOutcomes(3)
      assert.deepStrictEqual(outcomes, [
        { _tag: "Accepted", seq: Seq.make(1) },
        { _tag: "Repeated", seq: Seq.make(1) },
        { _tag: "Accepted", seq: Seq.make(2) }
      ])
      assert.deepStrictEqual(follower.messages, ["x", "y"])
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("rejects what waits in the name of somebody whose leave to speak was withdrawn", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      const held = yield* faults.holdNext
      const [first, second] = [new RecordingSender(), new RecordingSender()]
      yield* say(first, "in flight")
      yield* held.called
      yield* say(second, "too late")
      second.permit.revoked = sessionEnded
      yield* held.release
      assert.deepStrictEqual(yield* second.awaitOutcomes(1), [{ _tag: "Rejected", code: "session_ended" }])
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("a definite refusal rejects its commands as retryable and changes nothing", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      yield* faults.refuseNext
      yield* say(sender, "a", id("m"))
      assert.deepStrictEqual(yield* sender.awaitOutcomes(1), [{ _tag: "Rejected", code: "unavailable" }])
      const readiness = yield* Readiness
      assert.deepStrictEqual(readiness.problems(), [{ check: "journal", problem: "the disk is full" }])
      yield* say(sender, "a", id("m"))
      yield* sender.awaitOutcomes(2)
      assert.deepStrictEqual(follower.seqs, [1])
      assert.deepStrictEqual(readiness.problems(), [])
    }).pipe(Effect.provide(rooms()))
  )

  const unknownOutcomes = {
    "was lost": (faults: JournalFaults["Service"]) => faults.loseNext,
    "was stored all the same": (faults: JournalFaults["Service"]) => faults.storeNextUnanswered,
    "stored a prefix": (faults: JournalFaults["Service"]) => faults.storePrefixOfNext(1)
  }
  for (const [what, fault] of Object.entries(unknownOutcomes)) {
    it.effect(
      `an append whose outcome is unknown and that ${what} is settled: one copy, in order, before anything else`,
      () =>
        Effect.gen(function* () {
          const { follower } = yield* follow(lobby)
          const sender = new RecordingSender()
          const held = yield* fault(yield* JournalFaults)
          yield* say(sender, "a")
          yield* say(sender, "b", id("m"))
          yield* held.called
          yield* sender.awaitOutcomes(2)
          yield* say(sender, "c")
          yield* Effect.yieldNow
          assert.deepStrictEqual(follower.seqs, [], "nobody sees what may not be stored")
          yield* TestClock.adjust("1 second")
          yield* sender.awaitOutcomes(5)
          assert.deepStrictEqual(follower.messages, ["a", "b", "c"])
          assert.deepStrictEqual(follower.seqs, [1, 2, 3])
          assert.deepStrictEqual(
            sender.outcomes.slice(0, 2),
            Array.from({ length: 2 }, () => ({ _tag: "Rejected", code: "outcome_unknown" }))
          )
        }).pipe(Effect.provide(rooms()))
    )
  }

  it.effect("a write that lands after the settling left no second copy", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      const late = yield* (yield* JournalFaults).delayNext
      yield* say(sender, "a")
      yield* late.called
      yield* sender.awaitOutcomes(1)
      yield* TestClock.adjust("1 second")
      yield* sender.awaitOutcomes(2)
      yield* late.land
      yield* say(sender, "b")
      yield* sender.awaitOutcomes(3)
      assert.deepStrictEqual(follower.messages, ["a", "b"])
      assert.strictEqual((yield* journal.read(lobby, Seq.make(0), 10)).length, 2)
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("while an outcome is unknown a refusal settles nothing", () =>
    Effect.gen(function* () {
      const faults = yield* JournalFaults
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      const stored = yield* faults.storeNextUnanswered
      yield* faults.refuseNext
      yield* say(sender, "a")
      yield* stored.called
      yield* sender.awaitOutcomes(1)
      yield* TestClock.adjust("5 seconds")
      yield* sender.awaitOutcomes(2)
      assert.deepStrictEqual(sender.outcomes.at(-1), { _tag: "Accepted", seq: Seq.make(1) })
      assert.deepStrictEqual(follower.messages, ["a"])
    }).pipe(Effect.provide(rooms()))
  )

  it.effect(
    "while an outcome stays unknown, who comes meanwhile is told to try again, and does not wait as long as the outage",
    () =>
      Effect.gen(function* () {
        const faults = yield* JournalFaults
        const { follower } = yield* follow(lobby)
        const [first, second] = [new RecordingSender(), new RecordingSender()]
        yield* faults.loseNext
        yield* faults.loseNext
        yield* say(first, "a")
        yield* first.awaitOutcomes(1)
        yield* say(second, "b")
        yield* TestClock.adjust("50 millis")
        assert.deepStrictEqual(yield* second.awaitOutcomes(1), [{ _tag: "Rejected", code: "unavailable" }])
        yield* TestClock.adjust("1 second")
        yield* first.awaitOutcomes(2)
        assert.deepStrictEqual(follower.messages, ["a"])
        yield* say(second, "b")
        yield* second.awaitOutcomes(2)
        assert.deepStrictEqual(follower.messages, ["a", "b"])
      }).pipe(Effect.provide(rooms()))
  )

  it.effect("a room that is fenced steps down: its followers are cut, and it is read anew", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      const { follower } = yield* follow(lobby)
      const sender = new RecordingSender()
      const event = {
        type: "MessagePosted",
        v: 1,
        author: alice,
        payload: { message: "another writer's" },
        at: 1
      } as const
      yield* journal.append(lobby, Seq.make(0), [event])
      yield* say(sender, "mine")
      assert.deepStrictEqual(yield* sender.awaitOutcomes(1), [{ _tag: "Rejected", code: "unavailable" }])
      const again = yield* follow(lobby)
      assert.strictEqual(follower.lostTimes, 1)
      yield* say(sender, "mine")
      yield* sender.awaitOutcomes(2)
      assert.deepStrictEqual(again.follower.seqs, [2])
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("a journal that breaks under way leaves its senders an unknown outcome, never a refusal", () => {
    const broken = new JournalError({ reason: "Broken", detail: "disk I/O error" })
    const breaking = Layer.effect(
      Journal,
      Effect.map(Journal, (journal) => appendingBy(journal, () => Effect.fail(broken)))
    ).pipe(Layer.provide(memoryJournal))
    return Effect.gen(function* () {
      const sender = new RecordingSender()
      yield* say(sender, "perhaps")
      assert.deepStrictEqual(yield* sender.awaitOutcomes(1), [{ _tag: "Rejected", code: "outcome_unknown" }])
    }).pipe(Effect.provide(around(Layer.merge(breaking, Layer.mock(JournalFaults, {})))))
  })

  it.effect("a room whose turn dies is told to its followers and starts anew", () =>
    Effect.gen(function* () {
      const { follower, room } = yield* follow(lobby)
      const sender = new RecordingSender()
      const broken: Follower = {
        committed: () => {
          throw new Error("a follower broke its promise")
        },
        lost: () => void room.followers.delete(broken)
      }
      room.followers.add(broken)
      yield* say(sender, "a")
      const again = yield* Effect.flatMap(RoomRegistry, (registry) =>
        Effect.repeat(registry.enter(lobby), { until: (entered) => entered !== room })
      )
      assert.strictEqual(follower.lostTimes, 1)
      assert.strictEqual(again.published, Seq.make(1))
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("a flooded room delays a quiet one by one of its batches at most", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const commits = yield* CommitsByHand
      const quiet = RoomName.make("quiet")
      const published: Array<string> = []
      for (const name of [lobby, quiet]) {
        const { room } = yield* follow(name)
        room.followers.add({
          committed: ({ entries }) => void published.push(`${name} ${entries.length}`),
          lost: () => undefined
        })
      }
      const [flood, voice] = [new RecordingSender(), new RecordingSender()]
      for (let i = 0; i < 20; i++) yield* say(flood, `${i}`)
      const first = yield* commits.begin
      assert.deepStrictEqual(first.parts, [{ room: lobby, messages: 4 }])
      registry.offer(quiet, voice.waiting(alice, "may I?"))
      yield* Effect.yieldNow
      yield* first.finish
      // The flooded room has its answer, and brings its next batch.
      yield* flood.awaitOutcomes(4)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      const next = yield* commits.begin
      assert.sameDeepMembers(
        [...next.parts],
        [
          { room: quiet, messages: 1 },
          { room: lobby, messages: 4 }
        ]
      )
      yield* next.finish
      yield* voice.awaitOutcomes(1)
      for (let batch = 3; batch <= 5; batch++) yield* (yield* commits.begin).finish
      yield* flood.awaitOutcomes(20)
      assert.strictEqual(published.length, 6)
      assert.include(published.slice(0, 3), "quiet 1")
    }).pipe(Effect.provide(around(byHand(memoryJournal), { limits: { batch: 4 } })))
  )

  /** A room with a crowd, where a second message comes during the first part of serving the first one. */
  const crowded = Effect.fnUntraced(function* (crowd: Crowd) {
    const registry = yield* RoomRegistry
    const commits = yield* CommitsByHand
    const { room } = yield* follow(lobby)
    room.followers.add(crowd)
    const sender = new RecordingSender()
    crowd.onPart = (part) => {
      if (part === 1) registry.offer(lobby, sender.waiting(alice, "meanwhile"))
    }
    yield* say(sender, "first")
    const first = yield* commits.begin
    const level = crowd.level
    yield* first.finish
    return { level, commits, registry }
  })

  it.effect("between two parts of a crowd what has come is committed, and whoever is next gets it, too", () =>
    Effect.gen(function* () {
      const crowd = new Crowd()
      const { commits, registry } = yield* crowded(crowd)
      const second = yield* commits.begin
      assert.deepStrictEqual(crowd.did, ["batch of 1", "part"])
      yield* second.finish
      yield* registry.whenIdle
      assert.deepStrictEqual(crowd.did, ["batch of 1", "part", "batch of 1", "part", "part", "part"])
    }).pipe(Effect.provide(around(byHand(memoryJournal))))
  )

  it.effect("a commit that takes long keeps no part of a crowd waiting", () =>
    Effect.gen(function* () {
      const crowd = new Crowd()
      const { commits, level, registry } = yield* crowded(crowd)
      const second = yield* commits.begin
      yield* TestClock.adjust("4 millis")
      yield* Deferred.await(level)
      assert.deepStrictEqual(crowd.did, ["batch of 1", "part", "part", "part"])
      yield* second.finish
      yield* registry.whenIdle
      assert.deepStrictEqual(crowd.did.slice(4), ["batch of 1", "part", "part", "part"])
    }).pipe(Effect.provide(around(byHand(memoryJournal))))
  )

  it.effect("a crowd that lacks much is served to its end before the next commit", () =>
    Effect.gen(function* () {
      const crowd = new Crowd(17)
      const { commits, registry } = yield* crowded(crowd)
      const second = yield* commits.begin
      assert.deepStrictEqual(crowd.did, ["batch of 1", "part", "part", "part"])
      yield* second.finish
      yield* registry.whenIdle
    }).pipe(Effect.provide(around(byHand(memoryJournal))))
  )

  it.effect.each(["refuseNext", "loseNext"] as const)(
    "a crowd is served to its end whatever becomes of what came meanwhile: %s",
    (fault) =>
      Effect.gen(function* () {
        const faults = yield* JournalFaults
        const registry = yield* RoomRegistry
        const { room } = yield* follow(lobby)
        const crowd = new Crowd()
        room.followers.add(crowd)
        const sender = new RecordingSender()
        crowd.onPart = (part) => {
          if (part === 1) registry.offer(lobby, sender.waiting(alice, "meanwhile"))
        }
        const held = yield* faults.holdNext
        const failing = yield* faults[fault]
        yield* say(sender, "first")
        yield* held.called
        const { level } = crowd
        yield* held.release
        yield* failing.called
        yield* TestClock.adjust("4 millis")
        yield* Deferred.await(level)
        assert.deepStrictEqual(crowd.did, ["batch of 1", "part", "part", "part"])
        // What was lost is submitted again.
        yield* TestClock.adjust("1 second")
        yield* registry.whenIdle
      }).pipe(Effect.provide(rooms()))
  )

  it.effect("10,000 rooms touched once leave no fiber and a bounded number of rooms behind", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const stats = yield* EngineStats
      const sender = new RecordingSender()
      for (let i = 0; i < 10_000; i++) registry.offer(RoomName.make(`room-${i}`), sender.waiting(alice, "hi"))
      yield* sender.awaitOutcomes(10_000)
      yield* registry.whenIdle
      assert.strictEqual(registry.running(), 0)
      assert.strictEqual(stats.roomsInMemory, 1_000)
      assert.isBelow(stats.tailBytes, 1_000 * 1_024)
      registry.offer(RoomName.make("room-3"), sender.waiting(alice, "again"))
      const outcomes = yield* sender.awaitOutcomes(10_001)
      assert.deepStrictEqual(outcomes.at(-1), { _tag: "Accepted", seq: Seq.make(2) })
    }).pipe(Effect.provide(rooms()))
  )

  it.effect("keeps all tails within one budget: the longest-quiet room's gives way", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const stats = yield* EngineStats
      const sender = new RecordingSender()
      const quiet = RoomName.make("quiet")
      registry.offer(quiet, sender.waiting(alice, "x".repeat(2_000)))
      yield* sender.awaitOutcomes(1)
      for (let i = 0; i < 40; i++) {
        yield* say(sender, "y".repeat(1_000))
        yield* sender.awaitOutcomes(i + 2)
      }
      assert.isAtMost(stats.tailBytes, 20_000)
      assert.isTrue(registry.inMemory(quiet)?.tail.isEmpty)
      assert.isFalse(registry.inMemory(lobby)?.tail.isEmpty)
    }).pipe(Effect.provide(rooms({ tailBudget: 20_000 })))
  )

  it.effect("never takes two turns of one room at once: one append of a room is under way at a time", () => {
    let worst = 0
    const underWay = new Map<RoomName, number>()
    const watched = Layer.effect(
      Journal,
      Effect.map(Journal, (journal) =>
        appendingBy(journal, (room, head, events) =>
          Effect.suspend(() => {
            underWay.set(room, (underWay.get(room) ?? 0) + 1)
            worst = Math.max(worst, underWay.get(room) ?? 0)
            return Effect.andThen(Effect.yieldNow, journal.append(room, head, events))
          }).pipe(Effect.ensuring(Effect.sync(() => underWay.set(room, (underWay.get(room) ?? 1) - 1))))
        )
      )
    ).pipe(Layer.provide(memoryJournal))
    return Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const sender = new RecordingSender()
      const entering = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 50 }), () => registry.enter(lobby), { concurrency: "unbounded" })
      )
      for (let i = 0; i < 100; i++) {
        yield* say(sender, `${i}`)
        if (i % 3 === 0) yield* Effect.yieldNow
      }
      yield* sender.awaitOutcomes(100)
      const entered: ReadonlyArray<ChatRoom> = yield* Fiber.join(entering)
      assert.strictEqual(worst, 1)
      assert.strictEqual(new Set(entered).size, 1)
    }).pipe(Effect.provide(around(Layer.merge(watched, Layer.mock(JournalFaults, {})))))
  })

  it.effect("a room that cannot be read fails whoever enters it, and is tried again on its next use", () => {
    let fail = true
    const flaky = Layer.effect(
      Journal,
      Effect.map(Journal, (journal): Journal["Service"] => ({
        ...journal,
        head: (room) =>
          Effect.suspend(() =>
            fail ? Effect.fail(new JournalError({ reason: "Refused", detail: "away" })) : journal.head(room)
          )
      }))
    ).pipe(Layer.provide(memoryJournal))
    return Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const sender = new RecordingSender()
      const error = yield* Effect.flip(registry.enter(lobby))
      assert.strictEqual(error.detail, "away")
      yield* say(sender, "a")
      assert.deepStrictEqual(yield* sender.awaitOutcomes(1), [{ _tag: "Rejected", code: "unavailable" }])
      fail = false
      assert.strictEqual((yield* registry.enter(lobby)).published, Seq.make(0))
    }).pipe(Effect.provide(around(Layer.merge(flaky, Layer.mock(JournalFaults, {})))))
  })

  it.effect(
    "a command that its room dies of leaves nobody without an answer: what was taken with it was not stored",
    () =>
      Effect.gen(function* () {
        const registry = yield* RoomRegistry
        const readiness = yield* Readiness
        const { follower } = yield* follow(lobby)
        const sender = new RecordingSender()
        const poison = Object.defineProperty(new RecordingSender(), "permit", {
          get: () => {
            throw new Error("a defect")
          }
        })
        yield* say(sender, "before")
        registry.offer(lobby, poison.waiting(alice, "poison"))
        yield* say(sender, "behind")
        const refused = { _tag: "Rejected", code: "unavailable" } as const
        assert.deepStrictEqual(yield* sender.awaitOutcomes(2), [refused, refused])
        assert.deepStrictEqual(poison.outcomes, [refused])
        // Whoever waits for an outcome goes on within it: the rest of the room's end follows.
        yield* Effect.yieldNow
        assert.strictEqual(follower.lostTimes, 1)
        assert.deepStrictEqual(readiness.problems(), [])
        yield* say(sender, "again")
        assert.deepStrictEqual((yield* sender.awaitOutcomes(3)).at(-1), { _tag: "Accepted", seq: Seq.make(1) })
      }).pipe(Effect.provide(rooms()))
  )

  it.effect(
    "a room that dies while it hands on what is stored leaves nobody without an answer, and gives it once",
    () =>
      Effect.gen(function* () {
        const registry = yield* RoomRegistry
        const readiness = yield* Readiness
        const { room } = yield* follow(lobby)
        const deaf = new RecordingFollower()
        deaf.committed = () => {
          throw new Error("a defect")
        }
        room.followers.add(deaf)
        const sender = new RecordingSender()
        yield* say(sender, "a", id("a"))
        yield* say(sender, "b", id("b"))
        const unknown = { _tag: "Rejected", code: "outcome_unknown" } as const
        assert.deepStrictEqual(yield* sender.awaitOutcomes(2), [unknown, unknown])
        assert.deepStrictEqual(readiness.problems(), [])
        // Who asks again learns that it was stored.
        yield* say(sender, "a", id("a"))
        yield* say(sender, "b", id("b"))
        assert.deepStrictEqual((yield* sender.awaitOutcomes(4)).slice(2), [
          { _tag: "Repeated", seq: Seq.make(1) },
          { _tag: "Repeated", seq: Seq.make(2) }
        ])
        yield* registry.whenIdle
        assert.strictEqual(sender.outcomes.length, 4)
      }).pipe(Effect.provide(rooms()))
  )

  it.effect("a sender that cannot be told takes no answer from those behind it, nor gives one to those before", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const first = new RecordingSender()
      const deaf = new RecordingSender()
      deaf.accepted = () => {
        throw new Error("a defect")
      }
      const last = new RecordingSender()
      for (const sender of [first, deaf, last]) registry.offer(lobby, sender.waiting(alice, "x"))
      const unknown = { _tag: "Rejected", code: "outcome_unknown" } as const
      assert.deepStrictEqual(yield* last.awaitOutcomes(1), [unknown])
      assert.deepStrictEqual(deaf.outcomes, [unknown])
      assert.deepStrictEqual(first.outcomes, [{ _tag: "Accepted", seq: Seq.make(1) }])
    }).pipe(Effect.provide(rooms()))
  )

  const Steps = Schema.Array(Schema.Literals(["a", "b", "again", "forget"])).check(Schema.isMaxLength(40))
  it.effect.prop("replay equals live state: a room read anew answers as the one that never slept", [Steps], ([steps]) =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const sender = new RecordingSender()
      let expected = 0
      const sent = new Map<string, number>()
      let asked = 0
      for (const [index, step] of steps.entries()) {
        if (step === "forget") {
          // Rooms are forgotten when another falls asleep: one may sleep here.
          registry.offer(RoomName.make(`other-${index}`), new RecordingSender().waiting(alice, "x"))
          yield* registry.whenIdle
          continue
        }
        const key = step === "again" ? (Array.from(sent.keys()).at(-1) ?? "m") : `m${index}`
        if (!sent.has(key)) sent.set(key, ++expected)
        yield* say(sender, "x", id(key))
        asked += 1
        const outcome = (yield* sender.awaitOutcomes(asked)).at(-1)
        assert.strictEqual(outcome?._tag === "Rejected" ? undefined : outcome?.seq, Seq.make(sent.get(key) ?? 0))
      }
    }).pipe(Effect.provide(rooms({ maxAsleep: 1 })))
  )
})
