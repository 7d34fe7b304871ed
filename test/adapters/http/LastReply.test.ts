import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { afterEach, expect, it } from "vitest"
import { lastReply } from "../../../src/adapters/http/LastReply.ts"

/** As node:http's: a peer that has ended may still be written to, and nobody reads it. */
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
afterEach(() => server.close())

const meet = async (): Promise<{ readonly ours: Socket; readonly peer: Socket }> => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const peer = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
  const [ours] = await once(server, "connection")
  return { ours, peer }
}

const minute = 60_000

it("A peer that sends on after the reply, and leaves, leaves no connection behind", async () => {
  const { ours, peer } = await meet()
  const closed = once(ours, "close")
  peer.write("what nobody reads")
  lastReply(ours, "no", minute)
  const [reply] = await once(peer, "data")
  expect(String(reply)).toBe("no")
  peer.end("and more of it")
  await closed
})

it("A peer that holds on to the connection is let go of when its time is up, and has the reply", async () => {
  const { ours, peer } = await meet()
  const closed = once(ours, "close")
  lastReply(ours, "no", 1)
  const [reply] = await once(peer, "data")
  expect(String(reply)).toBe("no")
  await closed
  peer.destroy()
})

it("A peer that is gone already harms nobody", async () => {
  const { ours, peer } = await meet()
  const closed = new Promise((resolve) => ours.once("close", resolve))
  peer.resetAndDestroy()
  lastReply(ours, "no", minute)
  await closed
})
