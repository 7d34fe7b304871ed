import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { MemorySocket } from "../../../src/adapters/memory/MemorySocket.ts"
import { classicWire } from "../../../src/adapters/ws/classic/ClassicWire.ts"
import * as Close from "../../../src/adapters/ws/CloseCode.ts"
import { Connection } from "../../../src/adapters/ws/Connection.ts"
import { RoomChannel } from "../../../src/adapters/ws/RoomChannel.ts"
import type { Subscription } from "../../../src/adapters/ws/RoomChannel.ts"
import { ChatRoom, defaultRoomLimits } from "../../../src/domain/ChatRoom.ts"
import { EngineStats } from "../../../src/domain/EngineStats.ts"
import { RoomName, Seq } from "../../../src/domain/Room.ts"
import type { Entry } from "../../../src/domain/RoomEvent.ts"
import { CommittedBatch } from "../../../src/domain/RoomTail.ts"

const name = RoomName.make("lobby")

const entry = (seq: number, size = 1): Entry => ({
  seq: Seq.make(seq),
  event: {
    type: "MessagePosted",
    v: 1,
    author: { kind: "account", name: "alice" },
    payload: { message: "x".repeat(size) },
    at: 0
  }
})

interface FixtureOptions {
  readonly tailEntries: number
  readonly pageSize: number
  readonly part?: number
}

/** A room with its log, and a channel whose pages are read when the test says so. */
class Fixture {
  readonly log: Array<Entry> = []
  readonly room: ChatRoom
  readonly channel: RoomChannel
  readonly pages: Array<Subscription> = []
  readonly pageSize: number

  constructor(stats: EngineStats["Service"], options: FixtureOptions) {
    this.room = new ChatRoom(name, { ...defaultRoomLimits, tailEntries: options.tailEntries })
    this.pageSize = options.pageSize
    this.channel = new RoomChannel(this.room, {
      wire: classicWire,
      stats,
      readPage: (subscription) => void this.pages.push(subscription),
      ...(options.part === undefined ? {} : { part: options.part })
    })
  }

  /** Served once: all, or a part. */
  commit(count: number, size = 1): void {
    const entries = Array.from({ length: count }, (_, i) => entry(this.log.length + 1 + i, size))
    const [first, ...rest] = entries
    if (first === undefined) return
    this.log.push(...entries)
    const batch = new CommittedBatch(name, [first, ...rest], count * size)
    this.room.tail.push(batch)
    this.room.published = batch.last
    this.channel.serve()
  }

  /** Answers the oldest page that was asked for; the journal may be ahead of what was published by `ahead`. */
  answerPage(): void {
    const subscription = this.pages.shift()
    if (subscription === undefined) return
    this.channel.page(subscription, this.log.slice(subscription.cursor, subscription.cursor + this.pageSize))
  }

  connect(cursor: number): Client {
    return new Client(this, cursor)
  }
}

class Client {
  readonly seqs: Array<number> = []
  readonly socket: MemorySocket
  readonly connection: Connection
  readonly subscription: Subscription
  ended: Close.CloseCode | undefined
  writes = 0

  constructor(fixture: Fixture, cursor: number) {
    this.socket = new MemorySocket({
      text: (text) => this.seqs.push(JSON.parse(text).seq),
      closed: () => undefined
    })
    const write = this.socket.write.bind(this.socket)
    this.socket.write = (bytes) => {
      this.writes += 1
      write(bytes)
    }
    this.connection = new Connection(this.socket, { address: "127.0.0.1" }, 0, (_connection, code) => {
      this.ended = code
    })
    this.socket.listen({
      frame: () => undefined,
      alive: () => undefined,
      drained: () => this.connection.drained(),
      closed: () => this.connection.gone()
    })
    this.subscription = fixture.channel.join(this.connection, cursor)
  }
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + 1 + i)

const fixture = (options: FixtureOptions = { tailEntries: 64, pageSize: 16 }) =>
  Effect.map(EngineStats, (stats) => new Fixture(stats, options)).pipe(Effect.provide(EngineStats.layer))

/** What may happen between a room, its journal and one reader. */
const Step = Schema.Union([
  Schema.Struct({ commit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })) }),
  Schema.Literals(["page", "stall", "unstall"])
])

/** What may happen to a crowd that is served three at a time. */
const CrowdStep = Schema.Union([
  Schema.Struct({ commit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })) }),
  Schema.Struct({ leave: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) }),
  Schema.Struct({ stall: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) }),
  Schema.Literals(["serve", "serve", "join", "page"])
])

describe("RoomChannel", () => {
  it.effect.prop(
    "a crowd that is served in parts, and comes and goes meanwhile: every position once, in order, to everybody",
    [Schema.Array(CrowdStep).check(Schema.isMaxLength(80))],
    ([steps]) =>
      Effect.map(fixture({ tailEntries: 8, pageSize: 4, part: 3 }), (room) => {
        const crowd = Array.from({ length: 8 }, () => ({ from: 0, client: room.connect(0) }))
        for (const step of steps) {
          if (step === "serve") room.channel.serve()
          else if (step === "page") room.answerPage()
          else if (step === "join") crowd.push({ from: room.log.length, client: room.connect(room.log.length) })
          else if ("commit" in step) room.commit(step.commit, 30_000)
          else if ("leave" in step) crowd.splice(step.leave % (crowd.length + 1), 1)[0]?.client.socket.drop()
          else crowd[step.stall % (crowd.length + 1)]?.client.socket.stall()
        }
        while (room.channel.serve() > 0);
        for (const { client } of crowd) client.socket.unstall()
        while (room.pages.length > 0) room.answerPage()
        for (const { client, from } of crowd) assert.deepStrictEqual(client.seqs, upTo(from, room.log.length))
      })
  )

  it.effect("of a crowd whoever was served longest ago is next, and gets all since then in one write", () =>
    Effect.map(fixture({ tailEntries: 64, pageSize: 16, part: 2 }), (room) => {
      const crowd = Array.from({ length: 5 }, () => room.connect(0))
      const seen = () => crowd.map(({ seqs }) => seqs.length)
      room.commit(1)
      assert.deepStrictEqual(seen(), [1, 1, 0, 0, 0])
      room.commit(2)
      assert.deepStrictEqual(seen(), [1, 1, 3, 3, 0])
      assert.strictEqual(room.channel.serve(), 2)
      assert.deepStrictEqual(seen(), [3, 1, 3, 3, 3])
      assert.strictEqual(room.channel.serve(), 0)
      assert.deepStrictEqual(seen(), [3, 3, 3, 3, 3])
      assert.deepStrictEqual(
        crowd.map(({ writes }) => writes),
        [2, 2, 1, 1, 1]
      )
    })
  )

  it.effect.each([0, 1, 2, 3, 4, 5])(
    "who leaves between two parts, the %i-th of six, makes nobody be passed over",
    (leaver) =>
      Effect.map(fixture({ tailEntries: 64, pageSize: 16, part: 3 }), (room) => {
        const crowd = Array.from({ length: 6 }, () => room.connect(0))
        room.commit(1)
        room.commit(1)
        crowd.splice(leaver, 1)[0]?.socket.drop()
        while (room.channel.serve() > 0);
        for (const { seqs } of crowd) assert.deepStrictEqual(seqs, [1, 2])
      })
  )

  it.effect("a page that comes to a full socket is not written, and asked for again when that has drained", () =>
    Effect.gen(function* () {
      const room = yield* fixture({ tailEntries: 4, pageSize: 4 })
      for (let i = 0; i < 10; i++) room.commit(1)
      const other = yield* fixture()
      const client = room.connect(0)
      other.channel.join(client.connection, 0)
      client.socket.stall()
      other.commit(1, 300_000)
      room.answerPage()
      assert.strictEqual(client.writes, 1)
      assert.deepStrictEqual(room.pages, [])
      client.socket.unstall()
      while (room.pages.length > 0) room.answerPage()
      assert.deepStrictEqual(client.seqs, [1, ...upTo(0, 10)])
    })
  )

  it.effect(
    "a socket that a busy room fills whenever it has drained gets its other rooms, too, and has time for commands",
    () =>
      Effect.gen(function* () {
        const quiet = yield* fixture()
        const busy = yield* fixture()
        const { connection, socket, subscription } = quiet.connect(0)
        let queued = 0
        socket.write = (bytes) => {
          queued += bytes.length
        }
        socket.queuedBytes = () => queued
        busy.channel.join(connection, 0)
        busy.commit(1, 300_000)
        quiet.commit(1)
        const writable: Array<boolean> = []
        for (let drains = 0; drains < 2; drains++) {
          busy.commit(1, 300_000)
          queued = 0
          connection.drained(() => writable.push(connection.writable))
          assert.isFalse(connection.writable)
        }
        assert.strictEqual(subscription.cursor, 1)
        assert.deepStrictEqual(writable, [true, true])
      })
  )

  it.effect.prop(
    "any cursor, any batching, any stalling: every position after the cursor once, in order",
    [
      Schema.Array(Step).check(Schema.isMaxLength(60)),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120 }))
    ],
    ([steps, before, cursor]) =>
      Effect.map(fixture({ tailEntries: 20, pageSize: 7 }), (room) => {
        for (let i = 0; i < before; i += 9) room.commit(Math.min(9, before - i))
        const from = Math.min(cursor, before)
        const reader = room.connect(from)
        const witness = room.connect(before)
        for (const step of steps) {
          // Large entries: a stalled reader is full soon.
          if (typeof step === "object") room.commit(step.commit, 20_000)
          else if (step === "page") room.answerPage()
          else if (step === "stall") reader.socket.stall()
          else reader.socket.unstall()
          assert.deepStrictEqual(reader.seqs, upTo(from, from + reader.seqs.length))
        }
        reader.socket.unstall()
        while (room.pages.length > 0) room.answerPage()
        assert.deepStrictEqual(reader.seqs, upTo(from, room.log.length))
        assert.deepStrictEqual(witness.seqs, upTo(before, room.log.length))
      })
  )

  it.effect("a stalled socket costs its cursor: what waits for it is bounded, whatever is committed", () =>
    Effect.map(fixture(), (room) => {
      const stalled = room.connect(0)
      const reader = room.connect(0)
      stalled.socket.stall()
      for (let i = 0; i < 1_000; i++) room.commit(1, 4_000)
      assert.isAtMost(stalled.socket.queuedBytes(), 256 * 1024 + 5_000)
      assert.strictEqual(reader.seqs.length, 1_000)
      stalled.socket.unstall()
      while (room.pages.length > 0) room.answerPage()
      assert.deepStrictEqual(stalled.seqs, upTo(0, 1_000))
    })
  )

  it.effect("a page that ran ahead of what was published is not sent twice", () =>
    Effect.map(fixture({ tailEntries: 4, pageSize: 100 }), (room) => {
      for (let i = 0; i < 5; i++) room.commit(4)
      const reader = room.connect(0)
      const ahead = [21, 22, 23].map((seq) => entry(seq))
      room.log.push(...ahead)
      room.answerPage()
      assert.deepStrictEqual(reader.seqs, upTo(0, 23))
      const [first, ...rest] = [...ahead, entry(24)]
      if (first === undefined) return
      const batch = new CommittedBatch(name, [first, ...rest], 4)
      room.room.tail.push(batch)
      room.room.published = batch.last
      room.channel.serve()
      assert.deepStrictEqual(reader.seqs, upTo(0, 24))
    })
  )

  it.effect("a socket that drains no byte in time is told from one that moves", () =>
    Effect.map(fixture(), (room) => {
      const reader = room.connect(0)
      reader.socket.stall()
      for (let i = 0; i < 100; i++) room.commit(1, 8_000)
      assert.isFalse(reader.connection.isStalled(10_000, 5_000))
      assert.isFalse(reader.connection.isStalled(14_999, 5_000))
      assert.isTrue(reader.connection.isStalled(15_000, 5_000))
      reader.socket.unstall()
      assert.isFalse(reader.connection.isStalled(16_000, 5_000))
    })
  )

  it.effect("members may leave in any order, and a lost room closes those who are left with 1012", () =>
    Effect.map(fixture(), (room) => {
      const clients = Array.from({ length: 5 }, () => room.connect(0))
      for (const index of [1, 4, 0]) clients[index]?.socket.drop()
      room.commit(2)
      assert.deepStrictEqual(
        clients.map(({ seqs }) => seqs.length),
        [0, 0, 2, 2, 0]
      )
      room.channel.lost()
      assert.deepStrictEqual(
        clients.map(({ ended }) => ended),
        [undefined, undefined, Close.restart, Close.restart, undefined]
      )
      assert.strictEqual(room.channel.size, 0)
    })
  )
})
