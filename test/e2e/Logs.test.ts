import { readFileSync } from "node:fs"
import { afterAll, describe, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { Plant } from "../support/Plant.ts"
import { RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"

type Row = Readonly<Record<string, unknown>>

const rowsOf = (file: string): ReadonlyArray<Row> =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row)

describe("the log file of a server", () => {
  const server = new ServerProcess()
  const full = new ServerProcess()
  const crashing = new ServerProcess()
  afterAll(() => Promise.all([server.remove(), full.remove(), crashing.remove()]))

  it("has a line a request and two a connection, and all of them after SIGTERM", async () => {
    const started = await server.up(unlimited)
    const api = new ApiClient(started.url)
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
    const refused = await api.call("GET", "/api/message/v1/history?token=secret", {
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    })
    expect(refused.json["trace_id"]).toBe(traceId)
    const shut = await RawSocket.handshake(`${started.socketUrl}?since=secret`, {
      traceparent: `00-${traceId}-00f067aa0ba902b7-00`
    })
    await shut.until(() => shut.received.includes("}"))
    const problem = JSON.parse(shut.received.toString()) as Row
    expect(problem).toMatchObject({ status: 400, trace_id: traceId, instance: expect.any(String) })
    const { token } = await api.somebody("somebody1")
    const client = await ChatClient.connect(started.socketUrl, {
      room: "den",
      headers: { authorization: `Bearer ${token}`, traceparent: `00-${traceId}-00f067aa0ba902b7-00` }
    })
    client.say("hello")
    await client.delivered("hello")
    const hidden = await ChatClient.connect(started.socketUrl, { room: "$secret-den" })
    await hidden.closed
    await client.close()
    // The last of many: nothing that was logged before the end is missing.
    await Promise.all(Array.from({ length: 200 }, (_, n) => api.call("GET", `/nothing/${n}`)))
    expect(await started.stop("SIGTERM")).toEqual([0, null])

    const rows = rowsOf(server.logFile)
    expect(rows.find((row) => row["url.path"] === "/api/message/v1/history")).toMatchObject({
      message: "request",
      "log.level": "info",
      "service.name": "go-chat-app",
      "http.request.method": "GET",
      "http.response.status_code": 401,
      "http.request.id": refused.json["instance"],
      "trace.id": traceId,
      "event.duration": expect.any(Number)
    })
    expect(rows.find((row) => row["http.request.id"] === problem["instance"])).toMatchObject({
      message: "request",
      "http.response.status_code": 400,
      "url.path": "/message/v1/send",
      "trace.id": traceId,
      "client.address": expect.any(String)
    })
    expect(rows.filter((row) => String(row["url.path"]).startsWith("/nothing/"))).toHaveLength(200)
    const opened = rows.filter(({ message }) => message === "connection opened")
    expect(opened).toMatchObject([{ labels: { room: "den" }, "client.address": expect.any(String) }, { labels: {} }])
    expect(opened[0]).toHaveProperty(["trace.id"], traceId)
    const { connection } = (opened[0]?.["labels"] ?? {}) as Row
    const closed = rows.find(
      ({ labels, message }) => message === "connection closed" && (labels as Row)["connection"] === connection
    )
    expect(closed).toMatchObject({ "user.name": "somebody1", "event.duration": expect.any(Number) })
    expect(JSON.stringify(rows)).not.toMatch(/secret|hello/)
    expect(rows.at(-1)).toMatchObject({ message: "stopping" })
  })

  it("has what was logged more than a second before a SIGKILL, and after a crash all of it, the error with its stack last", async () => {
    const plant = new Plant(crashing)
    const env = { ...unlimited, ...plant.env }
    const killed = await crashing.up(env)
    const api = new ApiClient(killed.url)
    const few = await Promise.all(Array.from({ length: 5 }, (_, n) => api.call("GET", `/few/${n}`)))
    const answeredAt = Date.now()
    // Nothing more is logged: no other line pushes these out.
    while (Date.now() - answeredAt <= 1_000) await api.call("GET", "/healthz")
    expect(await killed.stop("SIGKILL")).toEqual([null, "SIGKILL"])
    const left = rowsOf(crashing.logFile).filter((row) => String(row["url.path"]).startsWith("/few/"))
    expect(left).toHaveLength(few.length)
    expect(new Set(left.map((row) => row["http.request.id"]))).toEqual(new Set(few.map(({ json }) => json["instance"])))

    const crashed = await crashing.up(env)
    const again = new ApiClient(crashed.url)
    await Promise.all(Array.from({ length: 5 }, (_, n) => again.call("GET", `/many/${n}`)))
    await plant.act(crashed, { what: "defect" })
    expect(await crashed.exit).toEqual([1, null])
    const rows = rowsOf(crashing.logFile)
    expect(rows.filter((row) => String(row["url.path"]).startsWith("/many/"))).toHaveLength(5)
    expect(rows.at(-1)).toMatchObject({
      "log.level": "fatal",
      message: "stopping",
      error: {
        type: "Uncaught",
        stack_trace: expect.stringMatching(/a defect that nobody caught[^]*Preloaded\.ts:\d+/)
      }
    })
  })

  it("that is on a full disk stops nothing, and the terminal says so once", async () => {
    const started = await full.up({ ...unlimited, LOG_FILE: "/dev/full" })
    const client = await ChatClient.connect(started.socketUrl)
    for (let n = 0; n < 20; n++) {
      client.say(`message ${n}`)
      await client.delivered(`message ${n}`)
      await new ApiClient(started.url).call("GET", "/nothing")
    }
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect(started.stderr).toMatch(
      /^parley: LOG_FILE: cannot write \/dev\/full \(ENOSPC[^\n]*\); the chat goes on[^\n]*\n/
    )
    expect(started.stderr.match(/the chat goes on/g)).toHaveLength(1)
  })
})
