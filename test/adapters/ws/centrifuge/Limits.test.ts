import { afterEach, expect, test } from "vitest"
import type { ChatSocketsOptions } from "../../../../src/adapters/ws/ChatSockets.ts"
import { MemoryServer } from "../../../support/CentrifugePeer.ts"

let server = new MemoryServer()
const serverWith = (options: Partial<ChatSocketsOptions>): MemoryServer => (server = new MemoryServer(options))
afterEach(() => server.stop())

const subscribe = (id: number, channel: string) => ({ id, subscribe: { channel } })
const publish = (id: number, data: unknown = id) => ({ id, publish: { channel: "room", data } })

test("one channel more than a socket may have is error 106, until it leaves one", async () => {
  const peer = await serverWith({ wireLimits: { channels: 2 } }).connect()
  for (const id of [2, 3]) expect(await peer.asks(subscribe(id, `c${id}`))).toMatchObject({ subscribe: {} })
  expect(await peer.asks(subscribe(4, "c4"))).toMatchObject({ error: { code: 106 } })
  await peer.asks({ id: 5, unsubscribe: { channel: "c2" } })
  expect(await peer.asks(subscribe(6, "c4"))).toMatchObject({ subscribe: {} })
})

test("a channel's name that is too long is error 107, whatever is asked of it", async () => {
  const peer = await serverWith({ wireLimits: { channelName: 5 } }).connect()
  expect(await peer.asks(subscribe(2, "five5"))).toMatchObject({ subscribe: {} })
  const channel = "sixsix"
  for (const [id, command] of [
    { subscribe: { channel } },
    { publish: { channel, data: 1 } },
    { history: { channel } }
  ].entries()) {
    expect(await peer.asks({ id: 10 + id, ...command })).toMatchObject({ error: { code: 107 } })
  }
})

test("a frame that is too large ends the socket with 1009", async () => {
  const peer = await serverWith({ wireLimits: { frameBytes: 2_000 } }).connect()
  expect(await peer.asks(publish(2, "x".repeat(1_900)))).toEqual({ id: 2, publish: {} })
  peer.send(publish(3, "x".repeat(2_000)))
  expect(await peer.end()).toBe(1009)
})

test("too many commands in a frame end the socket for good, after the answers to those before", async () => {
  const peer = await serverWith({ wireLimits: { commandsAFrame: 3 } }).connect()
  const ping = (id: number) => ({ id, ping: {} })
  peer.send(publish(2), ping(3), ping(4))
  peer.send(ping(5), ping(6), ping(7), ping(8))
  expect(await peer.end()).toBe(3501)
  expect(peer.came.map(({ id }) => id)).toEqual([1, 2, 3, 4])
})

test("too many commands in a frame: none of them is carried out", async () => {
  const peer = await serverWith({ wireLimits: { commandsAFrame: 3 } }).connect()
  peer.send(publish(2), publish(3), publish(4), publish(5))
  expect(await peer.end()).toBe(3501)
  expect(peer.came.map(({ id }) => id)).toEqual([1])
  const reader = await server.connect()
  expect(await reader.asks({ id: 2, history: { channel: "room" } })).toMatchObject({ history: { offset: 0 } })
})

test("an account's publications are limited over all of its sockets: error 111, which is temporary", async () => {
  serverWith({ messageRate: 1, messageBurst: 3 })
  const token = await server.register("fast_anna")
  const [one, other] = [await server.connect(token), await server.connect(token)]
  for (const [id, peer] of [one, other, one].entries()) {
    expect(await peer.asks(publish(2 + id))).toEqual({ id: 2 + id, publish: {} })
  }
  expect(await other.asks(publish(5))).toMatchObject({ error: { code: 111, temporary: true } })
  // Another is not held up.
  expect(await (await server.connect()).asks(publish(2))).toEqual({ id: 2, publish: {} })
  await server.advance("1 second")
  expect(await other.asks(publish(6))).toEqual({ id: 6, publish: {} })
})

test("GUESTS=deny: whoever shows no token is refused, and closed for good when none comes", async () => {
  serverWith({ guests: "deny" })
  const token = await server.register("known_anna")
  expect(await (await server.connect(token)).asks(publish(2))).toEqual({ id: 2, publish: {} })
  const guest = await server.open()
  expect(await guest.asks({ id: 1, connect: {} })).toMatchObject({ error: { code: 101 } })
  await server.advance("6 seconds")
  expect(await guest.end()).toBe(4501)
})
