import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layer as memoryJournal } from "../../../src/adapters/memory/Journal.ts"
import { MemorySocket } from "../../../src/adapters/memory/MemorySocket.ts"
import { classicWire } from "../../../src/adapters/ws/classic/ClassicWire.ts"
import { Connection } from "../../../src/adapters/ws/Connection.ts"
import { catchUpPage, RoomChannel } from "../../../src/adapters/ws/RoomChannel.ts"
import type { Subscription } from "../../../src/adapters/ws/RoomChannel.ts"
import type { ChatRoom } from "../../../src/domain/ChatRoom.ts"
import { EngineStats } from "../../../src/domain/EngineStats.ts"
import { Readiness } from "../../../src/domain/Readiness.ts"
import { RoomName, Seq } from "../../../src/domain/Room.ts"
import type { Author } from "../../../src/domain/RoomEvent.ts"
import { RoomRegistry } from "../../../src/domain/RoomRegistry.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import { RecordingSender } from "../../support/RecordingSender.ts"

const alice: Author = { kind: "account", name: "alice" }
const highWater = 256 * 1024
const limits = { mailbox: 50, batch: 8, tailEntries: 24, tailBytes: 30_000 }
const options = { limits, tailBudget: 150_000, maxAsleep: 5 }
const manyRooms = 12
/** Of each room: more than a stalled socket's buffer, several pages and the tail hold together. */
const messages = 600

/** A room with one socket that reads nothing, whose pages are read when the test says so. */
class StalledRoom {
  readonly room: ChatRoom
  readonly socket: MemorySocket
  readonly seqs: Array<number> = []
  readonly #asked: Array<Subscription> = []
  readonly #channel: RoomChannel

  constructor(room: ChatRoom, stats: EngineStats["Service"]) {
    this.room = room
    const readPage = (subscription: Subscription) => void this.#asked.push(subscription)
    this.#channel = new RoomChannel(room, { wire: classicWire, stats, readPage })
    room.followers.add(this.#channel)
    this.socket = new MemorySocket({ text: (text) => this.seqs.push(JSON.parse(text).seq), closed: () => undefined })
    const connection = new Connection(this.socket, { address: "127.0.0.1" }, 0, () => undefined)
    this.socket.listen({
      frame: () => undefined,
      alive: () => undefined,
      drained: () => connection.drained(),
      closed: () => connection.gone()
    })
    this.#channel.join(connection, 0)
    this.socket.stall()
  }

  /** Reads the page that was asked for; how many entries it had, `undefined` where none was asked for. */
  readonly answerPage = Effect.gen({ self: this }, function* () {
    const journal = yield* Journal
    const subscription = this.#asked.shift()
    if (subscription === undefined) return undefined
    const page = yield* journal.read(this.room.name, Seq.make(subscription.cursor), catchUpPage)
    this.#channel.page(subscription, page)
    return page.length
  })
}

/** The greatest of each that any batch of any room met. */
class Peaks {
  tails = 0
  tailOfARoom = 0
  entriesOfARoom = 0
  mailbox = 0
  queued = 0
  batchInMemory = 0
  batchOnTheWire = 0
}

const flood = Effect.fnUntraced(function* (flooded: number) {
  const registry = yield* RoomRegistry
  const stats = yield* EngineStats
  const peaks = new Peaks()
  const rooms: Array<StalledRoom> = []
  for (let i = 0; i < flooded; i++) {
    const stalled = new StalledRoom(yield* registry.enter(RoomName.make(`flooded-${i}`)), stats)
    rooms.push(stalled)
    const { room, socket } = stalled
    room.followers.add({
      committed: (batch) => {
        peaks.tails = Math.max(
          peaks.tails,
          Array.from(registry.all()).reduce((sum, { tail }) => sum + tail.bytes, 0)
        )
        peaks.tailOfARoom = Math.max(peaks.tailOfARoom, room.tail.bytes)
        peaks.entriesOfARoom = Math.max(peaks.entriesOfARoom, room.published - room.tail.start)
        peaks.mailbox = Math.max(peaks.mailbox, room.mailbox.length)
        peaks.queued = Math.max(peaks.queued, socket.queuedBytes())
        peaks.batchInMemory = Math.max(peaks.batchInMemory, batch.bytes)
        peaks.batchOnTheWire = Math.max(peaks.batchOnTheWire, batch.encodedBy(classicWire).bytes.length)
      },
      lost: () => undefined
    })
  }
  const refusals: Array<string | undefined> = []
  for (let sent = 0; sent < messages; sent += limits.mailbox) {
    // Of short messages a tail meets its bound of entries first, of long ones that of bytes.
    const text = "x".repeat(sent < messages / 4 ? 100 : 1_000)
    const senders = rooms.map(({ room }) => {
      const sender = new RecordingSender()
      for (let i = 0; i < limits.mailbox; i++) {
        assert.isUndefined(registry.offer(room.name, sender.waiting(alice, text)))
      }
      refusals.push(registry.offer(room.name, sender.waiting(alice, "too much"))?.code)
      peaks.mailbox = Math.max(peaks.mailbox, room.mailbox.length)
      return sender
    })
    for (const sender of senders) yield* sender.awaitOutcomes(limits.mailbox)
  }
  return { rooms, peaks, refusals }
})

const engine = RoomRegistry.layer(options).pipe(
  Layer.provideMerge(Layer.mergeAll(memoryJournal, EngineStats.layer, Readiness.layer))
)

describe("memory in a flood of rooms whose sockets read nothing", () => {
  it.effect("tails, mailboxes and what waits for a socket stay within their named capacities", () =>
    Effect.gen(function* () {
      const stats = yield* EngineStats
      const { peaks, refusals, rooms } = yield* flood(manyRooms)
      assert.isAtMost(peaks.tails, options.tailBudget + peaks.batchInMemory)
      assert.isAtMost(stats.tailBytes, options.tailBudget)
      assert.isAbove(manyRooms * peaks.tailOfARoom, options.tailBudget, "the flood was more than the budget holds")
      assert.strictEqual(peaks.mailbox, limits.mailbox)
      assert.deepStrictEqual(new Set(refusals), new Set(["room_busy"]))
      assert.isAtMost(peaks.queued, highWater + peaks.batchOnTheWire)
      for (const { room, socket } of rooms) {
        assert.strictEqual(room.published, Seq.make(messages))
        assert.isAbove(socket.queuedBytes(), highWater, "the flood was more than the socket's buffer holds")
      }
    }).pipe(Effect.provide(engine))
  )

  it.effect("a room's own tail stays within its entries and bytes where the budget of all leaves it alone", () =>
    Effect.gen(function* () {
      const { peaks } = yield* flood(1)
      assert.strictEqual(peaks.entriesOfARoom, limits.tailEntries)
      assert.isAtMost(peaks.tailOfARoom, limits.tailBytes + peaks.batchInMemory)
    }).pipe(Effect.provide(engine))
  )

  it.effect("tails that were read back stay within their capacities when they are encoded for who comes back", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const stats = yield* EngineStats
      const journal = yield* Journal
      const event = {
        type: "MessagePosted",
        v: 1,
        author: alice,
        at: 0,
        payload: { message: "x".repeat(450) }
      } as const
      const events = Array.from({ length: limits.tailEntries }, () => event)
      let unread = 0
      for (let i = 0; i < manyRooms; i++) {
        const name = RoomName.make(`read-${i}`)
        yield* journal.append(name, Seq.make(0), events)
        const room = yield* registry.enter(name)
        unread = Math.max(unread, room.tail.bytes)
        // Its socket gets all of them on its way in.
        const { seqs } = new StalledRoom(room, stats)
        assert.strictEqual(seqs.at(-1), limits.tailEntries)
        const held = Array.from(registry.all()).reduce((sum, { tail }) => sum + tail.bytes, 0)
        assert.strictEqual(stats.tailBytes, held)
        assert.isAtMost(held, options.tailBudget)
      }
      assert.isAtMost(unread * manyRooms, 2 * options.tailBudget)
      assert.isAbove(2 * unread * manyRooms, options.tailBudget, "encoded, they are more than the budget holds")
    }).pipe(Effect.provide(engine))
  )

  it.effect("rooms that nobody is in are forgotten but for those that may sleep", () =>
    Effect.gen(function* () {
      const registry = yield* RoomRegistry
      const { rooms } = yield* flood(manyRooms)
      const asleep = () => Array.from(registry.all()).filter((room) => room.leases === 0 && !room.running)
      const passing = new RecordingSender()
      for (let i = 0; i < 40; i++) {
        registry.offer(RoomName.make(`passing-${i}`), passing.waiting(alice, "hi"))
        yield* passing.awaitOutcomes(i + 1)
        yield* registry.whenIdle
        assert.isAtMost(asleep().length, options.maxAsleep)
      }
      for (const { room } of rooms) registry.leave(room)
      assert.strictEqual(asleep().length, options.maxAsleep)
      assert.strictEqual(Array.from(registry.all()).length, options.maxAsleep)
    }).pipe(Effect.provide(engine))
  )

  it.effect("a socket that reads again gets every message once and in order, page by page", () =>
    Effect.gen(function* () {
      const { rooms } = yield* flood(manyRooms)
      for (const stalled of rooms) {
        stalled.socket.unstall()
        const pages: Array<number> = []
        for (;;) {
          const page = yield* stalled.answerPage
          if (page === undefined) break
          pages.push(page)
        }
        assert.isAtLeast(pages.length, 2, "it was further behind than a page")
        assert.isAtMost(Math.max(...pages), catchUpPage)
        assert.deepStrictEqual(
          stalled.seqs,
          Array.from({ length: messages }, (_, i) => i + 1)
        )
      }
    }).pipe(Effect.provide(engine))
  )
})
