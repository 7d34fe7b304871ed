import { afterEach, describe, expect, it } from "vitest"
import { MessageRejected, startTestServer } from "../src/testing.ts"
import type { MessageView, TestServer, TestServerOptions } from "../src/testing.ts"

let parley: TestServer
afterEach(() => parley.stop())

const start = async (options?: TestServerOptions): Promise<TestServer> => (parley = await startTestServer(options))

const said = (messages: ReadonlyArray<MessageView>): ReadonlyArray<string> =>
  messages.map(({ from, message, seq }) => `${seq} ${from}: ${message}`)

describe("parley/testing", () => {
  it("shows what each client got, in one order, and only of its room", async () => {
    await start()
    const alice = await parley.connect({ user: await parley.createUser("alice_01") })
    const guest = await parley.connect()
    const elsewhere = await parley.connect({ room: "elsewhere" })
    expect(await alice.post("hello")).toBe(1)
    expect(await guest.post("hi", { from: "visitor" })).toBe(2)
    expect(said(await alice.receive(2))).toEqual(["1 alice_01: hello", "2 visitor: hi"])
    expect(said(await guest.receive(1))).toEqual(["1 alice_01: hello"])
    expect((await guest.receive(1))[0]).toMatchObject({ message: "hi", guest: true, room: "lobby" })
    expect(elsewhere.messages).toEqual([])
  })

  it("waits for messages that are not there yet", async () => {
    await start()
    const [sender, receiver] = [await parley.connect(), await parley.connect()]
    const receiving = receiver.receive(2)
    await sender.post("one")
    await sender.post("two")
    expect(said(await receiving)).toEqual(["1 guest: one", "2 guest: two"])
  })

  it("has a clock that starts where it is told, and stands still", async () => {
    await start({ startAt: Date.UTC(2030, 0, 1) })
    const client = await parley.connect()
    await client.post("one")
    await client.post("two")
    await parley.advance("1 hour")
    const later = await parley.connect()
    await later.post("three")
    expect((await parley.history()).map(({ date }) => date)).toEqual([
      "2030-01-01T00:00:00.000Z",
      "2030-01-01T00:00:00.000Z",
      "2030-01-01T01:00:00.000Z"
    ])
  })

  it("closes a user's sockets when the clock passes his token's end (4001), and lets him in with a new one", async () => {
    await start()
    const user = await parley.createUser("alice_01")
    const client = await parley.connect({ user })
    await parley.advance("14 minutes")
    expect(client.closed).toBeUndefined()
    await parley.advance("1 minute")
    expect((await client.untilClosed()).code).toBe(4001)
    expect((await (await parley.connect({ user })).untilClosed()).code).toBe(4001)
    const again = await parley.connect({ user: await parley.login(user) })
    expect(await again.post("I am back")).toBe(1)
  })

  it("closes the sockets of who logs out (4502), and no other's", async () => {
    await start()
    const user = await parley.createUser("alice_01")
    const gone = await parley.connect({ user })
    const stays = await parley.connect({ user: await parley.login(user) })
    await parley.logout(user)
    expect(gone.closed?.code).toBe(4502)
    await stays.post("still here")
    expect(gone.messages).toEqual([])
    expect((await (await parley.connect({ user })).untilClosed()).code).toBe(4502)
  })

  it("refuses with the wire's code", async () => {
    await start()
    await parley.createUser("alice_01")
    const guest = await parley.connect()
    const refused = guest.post("I am Alice", { from: "alice_01" })
    await expect(refused).rejects.toBeInstanceOf(MessageRejected)
    await expect(refused).rejects.toMatchObject({ code: "name_taken", retryable: false })
    await expect(guest.post("x".repeat(17_000))).rejects.toMatchObject({ code: "frame_too_large" })
    guest.send("not JSON")
    expect((await guest.receiveNotices(3))[2]?.error?.code).toBe("bad_frame")
  })

  it("limits messages where it is told to, until the clock frees them", async () => {
    await start({ messageRate: 1, messageBurst: 2 })
    const client = await parley.connect()
    await client.post("one")
    await client.post("two")
    await expect(client.post("three")).rejects.toMatchObject({ code: "rate_limited", retryable: true })
    await parley.advance("1 second")
    expect(await client.post("three")).toBe(3)
  })

  it("keeps a client to guests' rules where guests may not talk", async () => {
    await start({ guests: "deny" })
    const guest = await parley.connect()
    await expect(guest.post("hi")).rejects.toMatchObject({ code: "forbidden" })
    await parley.advance("10 seconds")
    expect((await guest.untilClosed()).code).toBe(4501)
  })

  it("gives a client that was away what it missed, once, and then what comes", async () => {
    await start()
    const sender = await parley.connect()
    const dropped = await parley.connect()
    await sender.post("one")
    await dropped.receive(1)
    dropped.drop()
    for (const message of ["two", "three"]) await sender.post(message)
    const back = await parley.connect({ since: 1 })
    await sender.post("four")
    expect(said(await back.receive(3))).toEqual(["2 guest: two", "3 guest: three", "4 guest: four"])
    expect(said(dropped.messages)).toEqual(["1 guest: one"])
  })

  it("gives the last messages first to who asks for them, and pages of history to the test", async () => {
    await start()
    const sender = await parley.connect()
    for (const message of ["one", "two", "three"]) await sender.post(message)
    const late = await parley.connect({ history: 2 })
    expect(said(await late.receive(2))).toEqual(["2 guest: two", "3 guest: three"])
    expect(said(await parley.history("lobby", 1))).toEqual(["3 guest: three"])
    expect(await parley.history("elsewhere")).toEqual([])
  })

  it("makes one message of one id, and tells its sender", async () => {
    await start()
    const client = await parley.connect()
    expect(await client.post("hello", { id: "x" })).toBe(1)
    expect(await client.post("hello", { id: "x" })).toBe(1)
    await expect(client.post("other", { id: "x" })).rejects.toMatchObject({ code: "id_conflict" })
    expect(await parley.history()).toHaveLength(1)
  })

  it("lets a reader stall without holding up the others, catches it up, and cuts one that stays so", async () => {
    await start()
    const [sender, slow] = [await parley.connect(), await parley.connect()]
    const text = "x".repeat(10_000)
    slow.stopReading()
    for (let i = 0; i < 100; i++) await sender.post(text)
    expect(slow.messages).toEqual([])
    slow.read()
    expect((await slow.receive(100)).map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    slow.stopReading()
    for (let i = 0; i < 100; i++) await sender.post(text)
    await parley.advance("30 seconds")
    expect((await slow.untilClosed()).code).toBe(1006)
    expect(sender.closed).toBeUndefined()
  })

  it("settles each client's own posts, whatever ids others use", async () => {
    await start()
    const [one, two] = [await parley.connect(), await parley.connect()]
    const posts = [one.post("a", { id: "x", from: "one" }), two.post("b", { id: "x", from: "two" }), two.post("c")]
    expect(await Promise.all(posts)).toEqual([1, 2, 3])
  })

  it("rejects what a client waits for when its socket ends", async () => {
    await start()
    const user = await parley.createUser("alice_01")
    const client = await parley.connect({ user })
    const receiving = client.receive(1)
    await parley.logout(user)
    await expect(receiving).rejects.toThrow(/^The socket was closed \(4502 .*\) before 1 of them came: there were 0$/)
    await expect(client.receiveNotices(1)).rejects.toThrow(/^The socket was closed/)
    await expect(client.post("too late")).rejects.toMatchObject({ code: "closed" })
    const dropped = await parley.connect()
    const posting = dropped.post("on its way")
    dropped.drop()
    await expect(posting).rejects.toThrow("The client went away")
  })

  it("does not connect to a room whose name is none", async () => {
    await start()
    await expect(parley.connect({ room: "no room" })).rejects.toThrow("letters, digits")
  })

  it("says goodbye when it stops (1012), and shares nothing with the next", async () => {
    await start()
    const client = await parley.connect()
    await client.post("hello")
    await parley.stop()
    expect((await client.untilClosed()).code).toBe(1012)
    await start()
    expect(await parley.history()).toEqual([])
  })
})
