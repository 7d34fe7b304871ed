import { afterAll, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

await onEachStores("SIGTERM", (stores) => {
  const server = new ServerProcess(stores)
  afterAll(() => server.remove())

  it("in a flood, with a socket that does not answer: 1012 to all, exit code 0, and nothing that was acknowledged is lost", async () => {
    let started = await server.up(unlimited)
    await new ApiClient(started.url).register("reader")
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => ChatClient.connect(started.socketUrl, { room: "drain", since: 0 }))
    )
    for (const [n, client] of clients.slice(0, 4).entries()) {
      let next = 0
      const talk = () => {
        if (client.socket.readyState === client.socket.OPEN)
          client.say(`message ${(next += 1)}`, { from: `talker${n}` })
      }
      client.each(({ from }) => {
        if (from === `talker${n}`) talk()
      })
      for (let inFlight = 0; inFlight < 16; inFlight++) talk()
    }
    await Promise.all(clients.map((client) => client.until(() => client.frames.length > 200)))
    // One that answers no goodbye holds nobody up.
    const deaf = await ChatClient.connect(started.socketUrl)
    deaf.socket.pause()
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    deaf.socket.terminate()
    const ends = await Promise.all(clients.map(({ closed }) => closed))
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1012]))
    expect(started.stderr).toBe("")

    started = await server.up(unlimited)
    const api = new ApiClient(started.url)
    const { token } = await api.loggedIn("reader")
    const log = await api.log(token, "drain")
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const said = log.map(({ from, message, seq }) => [seq, from, message])
    for (const { messages } of clients) {
      expect(messages.map(({ from, message, seq }) => [seq, from, message])).toEqual(said.slice(0, messages.length))
    }
    // What was taken in before the stop was committed and went out before the goodbye: all saw the whole log.
    expect(new Set(clients.map(({ messages }) => messages.length))).toEqual(new Set([log.length]))
  })
})
