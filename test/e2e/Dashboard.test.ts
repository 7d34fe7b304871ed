import { afterAll, describe, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"

interface Reading {
  readonly parley: Readonly<Record<string, unknown>> & {
    readonly top_rooms: ReadonlyArray<{ readonly room: string; readonly sockets: number }>
  }
}

/** The events of a stream as they come. */
async function* readings(url: string, token: string): AsyncGenerator<string> {
  const reply = await fetch(`${url}/dashboard/stream`, { headers: bearer(token) })
  expect(reply.headers.get("content-type")).toBe("text/event-stream")
  let text = ""
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk).toString()
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield text.slice("data: ".length, end)
      text = text.slice(end + 2)
    }
  }
}

describe("the monitor's stream", () => {
  const server = new ServerProcess()
  afterAll(() => server.remove())

  it("shows all viewers the same readings, names no private room, and ends with the server, which says at once that it is not ready", async () => {
    const started = await server.up({ ...unlimited, DASHBOARD: "token" })
    const api = new ApiClient(started.url)
    expect((await api.call("GET", "/dashboard/stream")).status).toBe(401)
    const { token } = await api.somebody("somebody1")
    const open = await ChatClient.connect(started.socketUrl, { room: "den", headers: bearer(token) })
    const hidden = await ChatClient.connect(started.socketUrl, { room: "$den", headers: bearer(token) })
    await hidden.closed
    open.say("hello")
    await open.delivered("hello")

    const viewers = [readings(started.url, token), readings(started.url, token)]
    const seen = await Promise.all(
      viewers.map(async (viewer) => {
        const texts: Array<string> = []
        while (texts.length < 3) texts.push(String((await viewer.next()).value))
        return texts
      })
    )
    // Whoever comes a moment later gets the reading that is there, then the next ones with the others.
    expect(new Set(seen.flat()).size).toBeLessThan(6)
    const reading = JSON.parse(seen[0]?.at(-1) ?? "") as Reading
    expect(reading.parley).toMatchObject({ sockets: 1, rooms: 1, messages: 1 })
    expect(reading.parley.top_rooms).toMatchObject([{ room: "den", sockets: 1, messages: 1 }])

    // One that answers no goodbye keeps the server for a while.
    open.socket.pause()
    started.child.kill("SIGTERM")
    let reply = await api.call("GET", "/readyz")
    while (reply.status === 200) reply = await api.call("GET", "/readyz")
    expect(reply.status).toBe(503)
    expect(reply.json["problems"]).toEqual([{ check: "draining", problem: "the server is stopping" }])
    expect(await started.exit).toEqual([0, null])
    open.socket.terminate()
  })
})
