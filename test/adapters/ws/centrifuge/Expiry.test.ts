import { afterEach, beforeEach, expect, test } from "vitest"
import { MemoryServer } from "../../../support/CentrifugePeer.ts"
import type { MemoryPeer, Value } from "../../../support/CentrifugePeer.ts"

let server: MemoryServer
beforeEach(() => {
  server = new MemoryServer()
})
afterEach(() => server.stop())

const isTerminal = (code: number): boolean => (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000)

const hello = async (token: string): Promise<readonly [MemoryPeer, Value]> => {
  const peer = await server.open()
  return [peer, await peer.asks({ id: 1, connect: { token } })]
}

test("a token's end is told with the connection, early enough to refresh it", async () => {
  const [, reply] = await hello(await server.register("anna_1"))
  expect(reply).toMatchObject({ connect: { expires: true, ttl: 50, ping: 25, pong: true } })
})

test("a guest's connection does not expire", async () => {
  const peer = await server.open()
  const { connect } = await peer.asks({ id: 1, connect: {} })
  expect(connect).not.toHaveProperty("expires")
})

test("a refreshed token keeps the socket past the end of the first; without one it ends, and may come back", async () => {
  const token = await server.register("anna_2")
  const [refreshed] = await hello(token)
  const [forgetful] = await hello(token)
  await server.advance("50 seconds")
  const fresh = await server.login("anna_2")
  expect(await refreshed.asks({ id: 2, refresh: { token: fresh } })).toMatchObject({
    refresh: { expires: true, ttl: 50 }
  })
  await server.advance("15 seconds")
  expect(await forgetful.end()).toBe(4001)
  expect(await refreshed.asks({ id: 3, ping: {} })).toEqual({ id: 3, ping: {} })
})

test("a refresh with another account's token, or with none, is refused for good", async () => {
  const [peer] = await hello(await server.register("anna_3"))
  peer.send({ id: 2, refresh: { token: await server.register("bert_3") } })
  expect(await peer.end()).toSatisfy(isTerminal)
  const [other] = await hello(await server.login("anna_3"))
  other.send({ id: 2, refresh: { token: "e30.e30.e30" } })
  expect(await other.end()).toSatisfy(isTerminal)
})

test("a token that has expired is error 109: the client gets itself another", async () => {
  const token = await server.register("anna_4")
  await server.advance("2 minutes")
  const [, reply] = await hello(token)
  expect(reply).toMatchObject({ error: { code: 109 } })
})

test("a session that is ended loses its sockets at once, for good, and no other does", async () => {
  const token = await server.register("anna_5")
  const [ended] = await hello(token)
  const [other] = await hello(await server.login("anna_5"))
  await server.logout(token)
  expect(ended.closed?.code).toSatisfy(isTerminal)
  expect(await other.asks({ id: 2, ping: {} })).toEqual({ id: 2, ping: {} })
  const again = await server.open()
  again.send({ id: 1, connect: { token } })
  expect(await again.end()).toSatisfy(isTerminal)
})

const channel = "$private"
const subscribed = async (seconds: number): Promise<readonly [MemoryPeer, Value]> => {
  const peer = await server.connect()
  return [peer, await peer.asks({ id: 2, subscribe: { channel, token: server.tokenFor(channel, seconds) } })]
}
const isEnd = ({ push }: Value): boolean => JSON.stringify(push ?? "").includes('"unsubscribe"')

test("a subscription token's end is told, and the subscription ends with it: 2501, so that the client asks for another", async () => {
  const [peer, reply] = await subscribed(20)
  expect(reply).toMatchObject({ subscribe: { expires: true, ttl: 20 } })
  await server.advance("26 seconds")
  expect(await peer.gets(isEnd)).toEqual({
    push: { channel, unsubscribe: { code: 2501, reason: "subscription expired" } }
  })
  expect(await peer.asks({ id: 3, publish: { channel, data: 1 } })).toMatchObject({ error: { code: 103 } })
  const token = server.tokenFor(channel, 20)
  expect(await peer.asks({ id: 4, subscribe: { channel, token } })).toMatchObject({ subscribe: { expires: true } })
})

test("sub_refresh keeps a subscription past the end of its first token", async () => {
  const [peer] = await subscribed(20)
  await server.advance("15 seconds")
  expect(await peer.asks({ id: 3, sub_refresh: { channel, token: server.tokenFor(channel, 40) } })).toEqual({
    id: 3,
    sub_refresh: { expires: true, ttl: 40 }
  })
  await server.advance("20 seconds")
  expect(await peer.asks({ id: 4, publish: { channel, data: 1 } })).toEqual({ id: 4, publish: {} })
  expect(peer.came.some(isEnd)).toBe(false)
})

test("sub_refresh takes no token of another channel (103), none that has expired (109), and none where there is no subscription (103)", async () => {
  const [peer] = await subscribed(20)
  const refresh = (id: number, token: string, of = channel) => peer.asks({ id, sub_refresh: { channel: of, token } })
  expect(await refresh(3, server.tokenFor("$other", 40))).toMatchObject({ error: { code: 103 } })
  expect(await refresh(4, server.tokenFor(channel, -40))).toMatchObject({ error: { code: 109 } })
  expect(await refresh(5, server.tokenFor("$other", 40), "$other")).toMatchObject({ error: { code: 103 } })
})

test("a subscription token that has expired is error 109", async () => {
  const [, reply] = await subscribed(-40)
  expect(reply).toMatchObject({ error: { code: 109 } })
})

test("a subscription token whose end is given in milliseconds has a ttl that every client can hold", async () => {
  const [peer, reply] = await subscribed(Date.UTC(2026, 1, 1))
  expect(reply).toMatchObject({ subscribe: { expires: true, ttl: 2_147_483_647 } })
  expect(await peer.asks({ id: 3, publish: { channel, data: 1 } })).toEqual({ id: 3, publish: {} })
})
