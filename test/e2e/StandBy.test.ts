import { hostname } from "node:os"
import { afterEach, beforeEach, expect, it } from "vitest"
import { freePort } from "../servers/OwnProcess.ts"
import { stopped } from "../servers/Stopped.ts"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import type { Delivered } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onDatabases } from "../support/Stores.ts"

const placeOf = ({ from, id, message, seq }: Delivered) => [seq, from, id, message]

await onDatabases("two servers on the same databases", (stores) => {
  let owner: ServerProcess
  let spare: ServerProcess
  let first: Started
  let second: Started
  /** Where the second one is, also while it waits. */
  let standing: ApiClient
  beforeEach(async () => {
    owner = new ServerProcess(stores)
    spare = new ServerProcess()
    const env = { ...unlimited, ...(await owner.stores).env }
    first = await owner.up(env)
    const port = await freePort()
    second = spare.launch({ ...env, APP_PORT: String(port) })
    standing = new ApiClient(`http://127.0.0.1:${port}`)
  })
  afterEach(async () => {
    await spare.remove()
    await owner.remove()
  })

  const answered = async (isIt: (text: string) => boolean): Promise<string> => {
    for (;;) {
      const text = await standing.call("GET", "/readyz").then(
        ({ status, text }) => `${status} ${text}`,
        () => ""
      )
      if (isIt(text)) return text
    }
  }
  const standsBy = () =>
    answered((text) => text.startsWith("503 ") && text.includes(`${hostname()}, pid ${first.pid},`))
  const connect = (server: Started, since: number, room = "both") =>
    ChatClient.connect(server.socketUrl, { room, since })

  /** Sends the next when it sees its own, 8 on their way, until its socket ends or the test has enough. */
  const flood = (client: ChatClient, name: string): void => {
    let next = 0
    const say = (): void => {
      if (client.socket.readyState !== client.socket.OPEN) return
      next++
      client.say(`${name} ${next}`, { from: name, id: `${name}-${next}` })
    }
    client.each(({ from, seq }) => {
      if (from === name && seq !== undefined) say()
    })
    for (let inFlight = 0; inFlight < 8; inFlight++) say()
  }

  const expectWholeLog = async (
    clients: ReadonlyArray<ReadonlyArray<Delivered>>
  ): Promise<ReadonlyArray<Delivered>> => {
    const api = new ApiClient(second.url)
    const { token } = await api.loggedIn("reader")
    const log = await api.log(token, "both")
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length)
    for (const messages of clients) {
      expect(messages.map(placeOf)).toEqual(log.slice(0, messages.length).map(placeOf))
    }
    return log
  }

  it("the second waits, is not ready and names the first; it takes over when that one is killed, and who comes back has everything", async () => {
    await standsBy()
    await new ApiClient(first.url).register("reader")
    expect((await standing.login("reader")).status).toBe(503)
    const [talker, watcher] = await Promise.all([connect(first, 0), connect(first, 0)])
    flood(talker, "talker")
    await watcher.until(() => watcher.messages.length > 500)
    await first.stop("SIGKILL")
    await Promise.all([talker.closed, watcher.closed])
    await second.settled
    expect(await answered((text) => text !== "")).toMatch(/^200 /)
    const log = await expectWholeLog([talker.messages, watcher.messages])
    const back = await connect(second, watcher.messages.length)
    // Whether it was stored or not: sent again with its id it is there once.
    const unanswered = `talker-${talker.messages.length + 1}`
    back.say(`talker ${talker.messages.length + 1}`, { from: "talker", id: unanswered })
    await back.until(() => back.frames.some(({ ack, id }) => id === unanswered || ack?.id === unanswered))
    back.say("and on")
    await back.delivered("and on")
    expect([...watcher.messages, ...back.messages].map(({ seq }) => seq)).toEqual(
      Array.from({ length: back.messages.at(-1)?.seq ?? 0 }, (_, index) => index + 1)
    )
    expect(log.length).toBeGreaterThanOrEqual(watcher.messages.length)
    expect(await second.stop()).toEqual([0, null])
  })

  it("the second takes over from a first that is frozen; thawed, that one steps down with a line that says so, and nothing is lost or there twice", async () => {
    await standsBy()
    await new ApiClient(first.url).register("reader")
    const [talker, watcher] = await Promise.all([connect(first, 0), connect(first, 0)])
    flood(talker, "talker")
    await watcher.until(() => watcher.messages.length > 500)
    await stopped(first.child)
    // It reads this when it is thawed, and knows no better then than that it is the owner.
    talker.say("too late", { from: "talker", id: "too-late" })
    await second.settled
    const back = await connect(second, 0)
    back.say("by the second", { from: "newcomer", id: "second-1" })
    const { seq } = await back.delivered("by the second")
    first.child.kill("SIGCONT")
    expect(await first.exit).toEqual([1, null])
    expect(first.stdout).toMatch(/^\S+ FATAL stopping: another process may own the journal now: .+$/m)
    await Promise.all([talker.closed, watcher.closed])
    back.say("after it", { from: "newcomer", id: "second-2" })
    await back.delivered("after it")
    // What the first got in before it knew, in places that were free, is everybody's; what it acknowledged is in the log at that place.
    const log = await expectWholeLog([watcher.messages, talker.messages])
    expect(log[seq - 1]?.message).toBe("by the second")
    const acknowledged = talker.messages.filter(({ from }) => from === "talker")
    for (const message of acknowledged) expect(placeOf(log[message.seq - 1] ?? message)).toEqual(placeOf(message))
    const again = await connect(second, watcher.messages.length)
    again.say("the last", { from: "newcomer" })
    await again.delivered("the last")
    expect([...watcher.messages, ...again.messages].map(({ seq }) => seq)).toEqual(
      Array.from({ length: log.length + 1 }, (_, index) => index + 1)
    )
    expect(second.child.exitCode).toBeNull()
  })
})
