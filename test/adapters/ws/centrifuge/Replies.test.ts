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
