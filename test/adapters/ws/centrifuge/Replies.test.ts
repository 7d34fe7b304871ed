import { afterEach, beforeEach, expect, test } from "vitest"
import { MemoryServer } from "../../../support/CentrifugePeer.ts"

let server: MemoryServer
beforeEach(() => {
  server = new MemoryServer()
})
afterEach(() => server.stop())

const pings = (count: number) => Array.from({ length: count }, (_, index) => ({ id: 10 + index, ping: {} }))

test("commands of one frame that need no wait are answered in one frame, in their order", async () => {
  const peer = await server.connect()
  peer.send(...pings(2), { id: 40, nothing: {} }, { id: 41, presence_stats: { channel: "room" } })
  await peer.gets(({ id }) => id === 41)
  expect(peer.frames).toHaveLength(2)
  expect(peer.came.map(({ id }) => id)).toEqual([1, 10, 11, 40, 41])
})

test("so many answers a frame, not more: what a peer can make the server hold is bounded", async () => {
  const peer = await server.connect()
  peer.send(...pings(100))
  await peer.gets(({ id }) => id === 109)
  expect(peer.frames.slice(1).map((frame) => frame.split("\n").length)).toEqual([16, 16, 16, 16, 16, 16, 4])
})

test("publications wait for their commits together, and what follows them waits for all", async () => {
  const peer = await server.connect()
  const publish = (id: number) => ({ id, publish: { channel: "room", data: id } })
  peer.send(publish(2), publish(3), publish(4), { id: 5, history: { channel: "room", limit: 10 } })
  const { history } = await peer.gets(({ id }) => id === 5)
  expect(history).toMatchObject({ offset: 3, publications: [{ data: 2 }, { data: 3 }, { data: 4 }] })
  expect(peer.frames.slice(1, -1).flatMap((frame) => frame.split("\n"))).toHaveLength(3)
})

test("a peer that does not read its answers is not read from until it does", async () => {
  const peer = await server.connect()
  peer.socket.stall()
  const data = "x".repeat(15_000)
  for (let id = 2; id < 60; id++) peer.send({ id, publish: { channel: "room", data } })
  peer.socket.unstall()
  await peer.gets(({ id }) => id === 59)
  peer.socket.stall()
  const read = (id: number) => ({ id, history: { channel: "room", limit: 512 } })
  // In one frame, and in frames of their own.
  peer.send(...Array.from({ length: 50 }, (_, n) => read(100 + n)))
  for (let id = 150; id < 200; id++) peer.send(read(id))
  // Long enough for all of them, where they were read.
  const other = await server.connect()
  for (let id = 2; id < 150; id++) await other.asks(read(id))
  expect(peer.socket.queuedBytes()).toBeLessThan(1_048_576)
  peer.socket.unstall()
  await peer.gets(({ id }) => id === 199)
  expect(peer.came.map(({ id }) => id)).toEqual([
    1,
    ...Array.from({ length: 58 }, (_, n) => n + 2),
    ...Array.from({ length: 100 }, (_, n) => n + 100)
  ])
})

test("null in the place of an optional field is nothing, as Centrifugo's server reads it", async () => {
  const peer = await server.open()
  const asks = (id: number, method: string, params: object) => peer.asks({ id, [method]: params })
  expect(await asks(1, "connect", { token: null, data: null, name: null })).toMatchObject({ connect: {} })
  const channel = "room"
  const place = { token: null, recover: null, offset: null, epoch: null, join_leave: null }
  expect(await asks(2, "subscribe", { channel, ...place })).toMatchObject({ subscribe: { offset: 0 } })
  // In data it is a value.
  expect(await asks(3, "publish", { channel, data: null })).toEqual({ id: 3, publish: {} })
  expect(await asks(4, "history", { channel, limit: null, since: null, reverse: null })).toMatchObject({
    history: { publications: [], offset: 1 }
  })
  expect(await asks(5, "history", { channel, limit: 1, since: { offset: null, epoch: null } })).toMatchObject({
    history: { publications: [{ data: null, offset: 1 }] }
  })
  expect(await asks(6, "subscribe", { channel: null })).toMatchObject({ error: { code: 107 } })
  expect(await asks(7, "history", { channel, limit: null, since: 7 })).toMatchObject({ error: { code: 107 } })
  expect(await asks(8, "publish", { channel: null, data: null })).toMatchObject({ error: { code: 107 } })
  expect(await asks(9, "ping", { since: null })).toEqual({ id: 9, ping: {} })
  peer.send({ id: 10, ping: null })
  expect(await peer.gets(({ id }) => id === 10)).toMatchObject({ error: { code: 107 } })
})

test("a guest who names himself is the same one on another connection: what he sends again is one publication", async () => {
  const channel = "room"
  const data = { n: 1, _parley: { id: "p-1", from: "zed" } }
  const first = await server.connect()
  expect(await first.asks({ id: 2, publish: { channel, data } })).toEqual({ id: 2, publish: {} })
  first.socket.drop()
  const again = await server.connect()
  expect(await again.asks({ id: 2, publish: { channel, data } })).toEqual({ id: 2, publish: {} })
  expect(await again.asks({ id: 3, publish: { channel, data: { ...data, n: 2 } } })).toMatchObject({
    error: { code: 409 }
  })
  expect(await again.asks({ id: 4, history: { channel, limit: 5 } })).toMatchObject({
    history: {
      offset: 1,
      publications: [{ data, info: { user: "", conn_info: { name: "zed", guest: true } } }]
    }
  })
})

test("_parley.from is a guest's name by the rules of a chat message's, and says nothing of an account", async () => {
  const token = await server.register("named_anna")
  const guest = await server.connect()
  const publish = (id: number, from: unknown) => ({ id, publish: { channel: "room", data: { _parley: { from } } } })
  for (const [id, [from, code]] of (
    [
      ["5ystem", 411],
      ["a\u0000", 411],
      ["named_anna", 410],
      [7, 107]
    ] as const
  ).entries()) {
    expect(await guest.asks(publish(10 + id, from))).toMatchObject({ error: { code } })
  }
  const anna = await server.connect(token)
  expect(await anna.asks(publish(2, "zed"))).toEqual({ id: 2, publish: {} })
  expect(await anna.asks({ id: 3, history: { channel: "room", limit: 1 } })).toMatchObject({
    history: { publications: [{ info: { user: "named_anna" }, offset: 1 }] }
  })
})
