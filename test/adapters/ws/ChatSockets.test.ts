import { Duration } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { goodbyeMillis } from "../../../src/adapters/ws/Transport.ts"
import { startTestServer } from "../../../src/testing.ts"
import type { TestServer } from "../../../src/testing.ts"

/** A sign of life is asked for so long after the last one, at the latest. */
const pingedAfter = 18_000

let parley: TestServer
beforeEach(async () => {
  parley = await startTestServer({ socketsPerUser: 2 })
})
afterEach(() => parley.stop())

describe("the sockets' caretaker", () => {
  it("keeps a silent client that answers pings, however long", async () => {
    const quiet = await parley.connect()
    await parley.advance("1 hour")
    expect(quiet.closed).toBeUndefined()
    await quiet.post("still here")
  })

  it("closes one that answers no ping (4009) so early that its connection is gone within 30 s, and leaves it 8 s for the answer", async () => {
    const dead = await parley.connect()
    dead.stopReading()
    await parley.advance(Duration.millis(pingedAfter + 8_000 - 1))
    expect(dead.closed).toBeUndefined()
    await parley.advance(Duration.millis(30_000 - goodbyeMillis - (pingedAfter + 8_000 - 1)))
    expect(dead.closed?.code).toBe(4009)
  })

  it("cuts one that is full and drains no byte for 5 s, while the others go on", async () => {
    const [stalled, reader] = await Promise.all([parley.connect(), parley.connect()])
    stalled.stopReading()
    for (let i = 0; i < 40; i++) await reader.post("x".repeat(8_000))
    await parley.advance("4 seconds")
    expect(stalled.closed).toBeUndefined()
    await parley.advance("3 seconds")
    // It cannot receive a close code any more: 4008 is what is counted.
    expect(stalled.closed?.code).toBe(1006)
    expect((await reader.receive(40)).map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  })

  it("closes a client that floods on against every refusal (4029)", async () => {
    const limited = await startTestServer({ messageRate: 1, messageBurst: 1 })
    const flooder = await limited.connect()
    for (let i = 0; i < 150; i++) flooder.send({ from: "flood", message: `${i}` })
    expect((await flooder.untilClosed()).code).toBe(4029)
    expect(flooder.notices).toHaveLength(100)
    await limited.stop()
  })

  it("does not let in a session that ends while it is being looked at", async () => {
    const alice = await parley.createUser("alice_01")
    const [client] = await Promise.all([parley.connect({ user: alice }), parley.logout(alice)])
    expect((await client.untilClosed()).code).toBe(4502)
  })

  it("takes a token by first frame, a fresh one of the same user later, and no other user's", async () => {
    const [alice, bob] = [await parley.createUser("alice_01"), await parley.createUser("bob_0001")]
    const client = await parley.connect()
    await client.post("as a guest", { from: "somebody" })
    client.send({ type: "auth", token: alice.token })
    const [notice] = await client.receiveNotices(1)
    expect(notice?.message).toContain("alice_01")
    client.send({ from: "somebody", message: "as herself" })
    const messages = await client.receive(2)
    expect(messages.map(({ from, guest }) => [from, guest])).toEqual([
      ["somebody", true],
      ["alice_01", undefined]
    ])
    client.send({ type: "auth", token: bob.token })
    expect((await client.untilClosed()).code).toBe(4500)
  })

  it("lets a user have so many sockets, and a place is free again when one goes (4504)", async () => {
    const alice = await parley.createUser("alice_01")
    const first = await parley.connect({ user: alice })
    await parley.connect({ user: alice })
    expect((await (await parley.connect({ user: alice })).untilClosed()).code).toBe(4504)
    first.drop()
    const another = await parley.connect({ user: alice })
    await another.post("in")
  })

  it("opens no private room (4505)", async () => {
    const alice = await parley.createUser("alice_01")
    expect((await (await parley.connect({ user: alice, room: "$staff" })).untilClosed()).code).toBe(4505)
  })
})
