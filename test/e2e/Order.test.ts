import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import type { LoggedIn } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

await onEachStores("a room's order", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let reader: LoggedIn
  beforeAll(async () => {
    started = await server.up(unlimited)
    reader = await new ApiClient(started.url).somebody("reader")
  })
  afterAll(() => server.remove())

  const connect = (room: string, options: object = {}) => ChatClient.connect(started.socketUrl, { room, ...options })
  const seqs = (client: ChatClient) => client.messages.map(({ seq }) => seq)
  const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const fill = async (room: string, count: number): Promise<ReadonlyArray<string>> => {
    const client = await connect(room, { since: 0 })
    for (let n = 1; n <= count; n++) client.say(`message ${n}`)
    await client.until(() => client.frames.length === count)
    await client.close()
    return client.messages.map(({ message }) => message)
  }

  it("is the same for two clients that talk at once: positions 1, 2, 3 … without a hole", async () => {
    const [one, other] = await Promise.all([connect("order", { since: 0 }), connect("order", { since: 0 })])
    for (let n = 0; n < 500; n++) {
      one.say(`one ${n}`, { from: "one" })
      other.say(`other ${n}`, { from: "other" })
    }
    await Promise.all([one, other].map((client) => client.until(() => client.frames.length === 1_000)))
    expect(seqs(one)).toEqual(upTo(1_000))
    expect(other.frames).toEqual(one.frames)
    // What one client sent stands in the order in which it sent it.
    for (const from of ["one", "other"]) {
      const said = one.messages.filter((message) => message.from === from).map(({ message }) => message)
      expect(said).toEqual(Array.from({ length: 500 }, (_, n) => `${from} ${n}`))
    }
    const log = await new ApiClient(started.url).log(reader.token, "order")
    expect(log.map(({ message, seq }) => [seq, message])).toEqual(
      one.messages.map(({ message, seq }) => [seq, message])
    )
  })

  it("is resumed with ?since= by exactly what was missed, then live messages, nothing twice", async () => {
    const first = await connect("resume", { since: 0 })
    const talker = await connect("resume", { since: 0 })
    for (let n = 1; n <= 100; n++) talker.say(`before ${n}`)
    await first.until(() => first.frames.length === 100)
    await first.close()
    // More than a page of the log and, since the talker goes on while the other comes back, live ones among them.
    for (let n = 1; n <= 2_000; n++) talker.say(`away ${n}`)
    await talker.delivered("away 1000")
    const again = await connect("resume", { since: 100 })
    for (let n = 1; n <= 100; n++) talker.say(`live ${n}`)
    await Promise.all([again.delivered("live 100"), talker.delivered("live 100")])
    expect(seqs(again)).toEqual(upTo(2_200, 101))
    expect(again.messages).toEqual(talker.messages.slice(100))
  })

  it("is resumed at its head by live messages alone", async () => {
    await fill("head", 5)
    const client = await connect("head", { since: 5 })
    client.say("the sixth")
    expect((await client.delivered("the sixth")).seq).toBe(6)
    expect(seqs(client)).toEqual([6])
  })

  it("gives the last messages first where ?history= asks for them", async () => {
    const said = await fill("history", 50)
    const client = await connect("history", { history: 10 })
    client.say("live")
    await client.delivered("live")
    expect(client.messages.map(({ message }) => message)).toEqual([...said.slice(-10), "live"])
    const all = await connect("history", { history: 1_000 })
    await all.delivered("live")
    expect(seqs(all)).toEqual(upTo(51))
  })

  it("says position_unknown, and the head, to a client that asks for what comes after a position it does not have", async () => {
    await fill("unknown", 3)
    const past = await connect("unknown", { since: 4 })
    const answer = await past.frame(({ error }) => error !== undefined)
    expect(answer).toMatchObject({ from: "system", error: { code: "position_unknown", retryable: false, head: 3 } })
    const restored = await connect("unknown", { since: 1, epoch: "another log" })
    expect((await restored.frame(({ error }) => error !== undefined)).error?.code).toBe("position_unknown")
    past.say("the fourth")
    expect((await past.delivered("the fourth")).seq).toBe(4)
  })

  it("has a message once whose id is sent twice, and the copy's sender alone hears of it", async () => {
    const [sender, other] = await Promise.all([connect("twice", { since: 0 }), connect("twice", { since: 0 })])
    sender.say("once", { id: "an-id" })
    expect((await sender.delivered("once")).id).toBe("an-id")
    expect(await sender.answerTo({ from: "visitor", message: "once", id: "an-id" })).toMatchObject({
      from: "system",
      ack: { id: "an-id", seq: 1 }
    })
    // Several at once, before the first is stored.
    for (let n = 0; n < 10; n++) sender.say("again", { id: "another-id" })
    sender.say("last")
    await Promise.all([sender.delivered("last"), other.delivered("last")])
    await sender.until(() => sender.frames.filter(({ ack }) => ack?.id === "another-id").length === 9)
    expect(other.frames.map(({ message, seq }) => [seq, message])).toEqual([
      [1, "once"],
      [2, "again"],
      [3, "last"]
    ])
    expect(await sender.answerTo({ from: "visitor", message: "something else", id: "an-id" })).toMatchObject({
      error: { code: "id_conflict", retryable: false, id: "an-id" }
    })
    // The id is its sender's: another one may use it, too.
    other.say("mine", { from: "somebody else", id: "an-id" })
    expect((await sender.delivered("mine")).seq).toBe(4)
  })

  it("has 100 messages where 50 sockets race to send each of 100 ids, 10,000 times in all, and every time is answered", async () => {
    const ids = Array.from({ length: 100 }, (_, n) => `race-${n}`)
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect("race", { since: 0 })))
    const acks: Array<{ readonly id: string; readonly seq: number }> = []
    const refusals: Array<string> = []
    const answered = new Promise<void>((done) => {
      for (const client of clients) {
        client.each(({ ack, error, seq = 0 }) => {
          if (ack !== undefined) acks.push(ack)
          // A full mailbox asks to come again; the id makes that safe.
          if (error?.retryable === true && error.id !== undefined) client.say(error.id, { id: error.id })
          else if (error !== undefined) refusals.push(error.code)
          if (acks.length === 9_900 || refusals.length > 0 || seq > 100) done()
        })
      }
    })
    for (const [index, client] of clients.entries()) {
      // Each in an order of its own.
      for (let n = 0; n < 200; n++) {
        const id = ids[(n * 37 + index * 13) % 100] ?? ""
        client.say(id, { id })
      }
    }
    await answered
    expect(refusals).toEqual([])
    for (const client of clients) await client.until(() => client.messages.length === 100)

    const log = await new ApiClient(started.url).log(reader.token, "race")
    expect(log.map(({ message }) => message).toSorted()).toEqual(ids.toSorted())
    const seqOf = new Map(log.map(({ id, seq }) => [id, seq]))
    expect(acks.filter(({ id, seq }) => seqOf.get(id) !== seq)).toEqual([])
    for (const client of clients) {
      expect(client.messages.map(({ id, seq }) => [id, seq])).toEqual(log.map(({ id, seq }) => [id, seq]))
      await client.close()
    }
  })
})
