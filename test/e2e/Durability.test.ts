import { readFileSync } from "node:fs"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import type { Delivered } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { DiskFault, noStrace } from "../support/Strace.ts"

const senders = 4
const inFlight = 16
const watchers = 2
/** So many messages has a watcher seen when the process is killed. */
const flooded = 1_500

/** Everybody sends, and sends the next when he sees his own, until the socket ends. */
const flood = (client: ChatClient, name: string): void => {
  let next = 0
  const say = (): void => {
    if (client.socket.readyState !== client.socket.OPEN) return
    next++
    client.say(`${name} ${next}`, { from: name, id: `${name}-${next}` })
  }
  client.each((frame) => {
    if (frame.from === name) say()
  })
  for (let n = 0; n < inFlight; n++) say()
}

const position = ({ from, id, message, seq }: Delivered) => [seq, from, id, message]

await onEachStores("after kill -9 in a flood and a restart", (stores) => {
  const server = new ServerProcess(stores)
  afterAll(() => server.remove())

  it("every message that any client was sent stands in history once, at the same place; every acknowledged id is known; who comes back misses nothing", async () => {
    let started = await server.up(unlimited)
    await new ApiClient(started.url).register("reader")
    const url = `${started.socketUrl}?room=flood&since=0`
    const clients = await Promise.all(Array.from({ length: senders + watchers }, () => ChatClient.connect(url)))
    clients.slice(0, senders).forEach((client, index) => flood(client, `sender${index}`))
    const [, , , , watcher] = clients
    await watcher?.until(() => watcher.frames.length > flooded)
    expect(await started.stop("SIGKILL")).toEqual([null, "SIGKILL"])
    await Promise.all(clients.map(({ closed }) => closed))

    started = await server.up(unlimited)
    const api = new ApiClient(started.url)
    const { token } = await api.loggedIn("reader")
    const log = await api.log(token, "flood")
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length)
    for (const client of clients) {
      expect(client.messages.length).toBeGreaterThan(flooded / 2)
      expect(client.messages.map(position)).toEqual(log.slice(0, client.messages.length).map(position))
    }

    // The acknowledgement of a message is its own copy. Sent again, each is known at its place, and nothing is stored.
    const acknowledged = clients
      .slice(0, senders)
      .flatMap((client, index) => client.messages.filter(({ from }) => from === `sender${index}`))
    const again = await ChatClient.connect(`${started.socketUrl}?room=flood&since=${log.length}`)
    for (const { from, id, message } of acknowledged) again.say(message, { from, id })
    await again.until(() => again.frames.length === acknowledged.length)
    const acks = new Map(again.frames.map(({ ack }) => [ack?.id, ack?.seq]))
    expect(acks).toEqual(new Map(acknowledged.map(({ id, seq }) => [id, seq])))
    expect(await api.log(token, "flood")).toEqual(log)
    again.say("and on", { from: "sender0" })
    expect((await again.delivered("and on")).seq).toBe(log.length + 1)

    // A client goes on from where it was, on the new process, and misses nothing.
    const last = watcher?.messages.at(-1)?.seq ?? 0
    const back = await ChatClient.connect(`${started.socketUrl}?room=flood&since=${last}`)
    await back.delivered("and on")
    expect(back.messages.slice(0, -1).map(position)).toEqual(log.slice(last).map(position))
  })
})

describe("a slow or broken disk", () => {
  let server: ServerProcess
  beforeEach(() => {
    server = new ServerProcess()
  })
  afterEach(() => server.remove())

  const millisToDelivery = async (client: ChatClient, text: string): Promise<number> => {
    const sent = performance.now()
    client.say(text)
    await client.delivered(text)
    return performance.now() - sent
  }

  it("nothing is delivered before the disk has it: where a sync takes 50 ms longer, so does the first delivery", async (test) => {
    test.skip(noStrace !== undefined, noStrace)
    const started = await server.up(unlimited)
    const client = await ChatClient.connect(`${started.socketUrl}?since=0`)
    await millisToDelivery(client, "warm")
    const undisturbed: Array<number> = []
    for (let n = 0; n < 5; n++) undisturbed.push(await millisToDelivery(client, `undisturbed ${n}`))
    const fault = await DiskFault.inject(started.pid, "delay_enter=50000")
    const delayed: Array<number> = []
    for (let n = 0; n < 5; n++) delayed.push(await millisToDelivery(client, `delayed ${n}`))
    await fault.remove()
    for (const millis of delayed) expect(millis).toBeGreaterThanOrEqual(50)
    // A machine under load may be slow at any time; not in all of five.
    expect(Math.min(...undisturbed)).toBeLessThan(Math.min(...delayed))
    expect(client.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1))
  })

  it("where the disk fails a sync (EIO) nothing is acknowledged or delivered, and the process says so in one line and ends with 1", async (test) => {
    test.skip(noStrace !== undefined, noStrace)
    let started = await server.up(unlimited)
    const url = `${started.socketUrl}?since=0`
    const [sender, watcher] = await Promise.all([ChatClient.connect(url), ChatClient.connect(url)])
    sender.say("safe", { id: "safe" })
    await Promise.all([sender.delivered("safe"), watcher.delivered("safe")])
    await DiskFault.inject(started.pid, "error=EIO")
    sender.say("lost", { id: "lost" })
    expect(await started.exit).toEqual([1, null])
    const ends = await Promise.all([sender.closed, watcher.closed])
    for (const { code } of ends) expect([1006, 1012]).toContain(code)
    for (const client of [sender, watcher]) expect(client.messages.map(({ message }) => message)).toEqual(["safe"])
    expect(sender.frames.filter(({ ack }) => ack !== undefined)).toEqual([])
    const lines = readFileSync(server.logFile, "utf8").trimEnd().split("\n")
    const fatal = lines.filter((line) => (JSON.parse(line) as Record<string, unknown>)["log.level"] === "fatal")
    expect(fatal).toHaveLength(1)
    expect(fatal[0]).toContain("disk I/O error")
    expect(started.stdout).toMatch(/^\S+ FATAL stopping: journal broken: disk I\/O error \(SQLite's code 1034\)$/m)

    // Whether it was stored is not known; sent again with its id it is there once.
    started = await server.up(unlimited)
    const again = await ChatClient.connect(`${started.socketUrl}?since=0`)
    again.say("lost", { id: "lost" })
    again.say("next")
    await again.delivered("next")
    expect(again.messages.map(({ message, seq }) => [seq, message])).toEqual([
      [1, "safe"],
      [2, "lost"],
      [3, "next"]
    ])
  })
})
