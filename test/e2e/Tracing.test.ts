import { DatabaseSync } from "node:sqlite"
import { once } from "node:events"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { ApiClient, bearer, password } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { Plant } from "../support/Plant.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import { ApmIntake, OtlpCollector } from "../support/TraceReceivers.ts"

const callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
const callersSpan = "00f067aa0ba902b7"

/** A publication by Centrifugo's protocol; settles when it is answered. */
const published = async (url: string, headers: Readonly<Record<string, string>>): Promise<void> => {
  const socket = new WebSocket(url, { headers })
  await once(socket, "open")
  const send = async (command: object): Promise<unknown> => {
    const answered = once(socket, "message")
    socket.send(JSON.stringify(command))
    return JSON.parse(String((await answered)[0]))
  }
  expect(await send({ id: 1, connect: {} })).toMatchObject({ connect: {} })
  expect(await send({ id: 2, publish: { channel: "elsewhere", data: { message: "hello" } } })).toMatchObject({
    publish: {}
  })
  socket.terminate()
}

describe.each([
  { to: "Elastic's APM Server", receiver: new ApmIntake(), variable: "ELASTIC_APM_SERVER_URL" },
  { to: "an OpenTelemetry collector", receiver: new OtlpCollector(), variable: "OTEL_EXPORTER_OTLP_ENDPOINT" }
])("traces to $to", ({ receiver, variable }) => {
  const server = new ServerProcess()
  afterAll(async () => {
    await server.remove()
    receiver.close()
  })

  it("show a register, a login, a message and a page of history with what was done for them, and no secret", async () => {
    const url = await receiver.listen()
    const started = await server.up({ ...unlimited, [variable]: url, TRACE_MESSAGES: "1", TRACE_REQUESTS: "1000" })
    const api = new ApiClient(started.url)
    const { refreshToken, token } = await api.somebody("somebody1")
    const client = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    client.say("nobody else's business")
    await client.delivered("nobody else's business")
    await client.close()
    const traceparent = `00-${callersTrace}-${callersSpan}-01`
    const called = await ChatClient.connect(started.socketUrl, { headers: { traceparent } })
    called.say("on somebody's behalf")
    await called.delivered("on somebody's behalf")
    await called.close()
    await published(started.socketUrl.replace("/message/v1/send", "/connection/websocket"), {
      traceparent,
      ...bearer(token)
    })
    await api.call("GET", "/api/message/v1/history", {
      headers: { ...bearer(token), traceparent }
    })
    await api.call("GET", "/api/message/v1/history?limit=7", { headers: bearer("wrong") })
    const refreshed = await api.refresh(refreshToken)
    await api.logout(String(refreshed.json["token"]))

    // A database that does not answer: the failure, and what it was.
    const lock = new DatabaseSync(join(server.directory, "data", "people.db"))
    lock.exec("BEGIN EXCLUSIVE")
    const failed = await api.register("somebody2")
    lock.exec("ROLLBACK")
    lock.close()
    expect(failed.status).toBe(503)
    // The end sends what waits.
    expect(await started.stop("SIGTERM")).toEqual([0, null])

    const root = (name: string) => receiver.span((span) => span.name === name && span.outcome === "success")
    const register = await root("POST /api/user/v1/register")
    expect(receiver.below(register)).toEqual(
      expect.arrayContaining(["Register", "PasswordHasher.hash", "Users.create"])
    )
    expect(register.root).toBe(true)
    const login = await root("POST /api/user/v1/login")
    expect(receiver.below(login)).toEqual(
      expect.arrayContaining(["Login", "Users.findByUsername", "Sessions.open", "GenerateToken", "SessionStore.create"])
    )
    const history = await root("GET /api/message/v1/history")
    expect(receiver.below(history)).toEqual(expect.arrayContaining(["GetMessagesHistory", "AuthMiddleware"]))
    expect(history).toMatchObject({ traceId: callersTrace, parentId: callersSpan })
    expect(receiver.below(await root("PUT /api/user/v1/refresh-token"))).toEqual(
      expect.arrayContaining(["MiddlewareRefreshToken", "RefreshToken", "ValidateToken", "SessionStore.rotate"])
    )
    expect(receiver.below(await root("DELETE /api/user/v1/logout"))).toEqual(
      expect.arrayContaining(["AuthMiddleware", "LogoutUser", "SessionStore.remove"])
    )
    const message = await root("Send Message")
    expect(receiver.below(message)).toEqual(["Journal.append", "RoomFeed.publish"])
    expect(JSON.stringify(message.sent)).toContain("user.id")

    const goneOnWith = (): number =>
      receiver.spans.filter(
        ({ name, parentId, traceId }) => name === "Send Message" && traceId === callersTrace && parentId === callersSpan
      ).length
    expect(goneOnWith()).toBe(2)

    const failure = await receiver.span(({ name, outcome }) => name.endsWith("register") && outcome === "failure")
    const inner = receiver.spans.filter(({ outcome, traceId }) => traceId === failure.traceId && outcome === "failure")
    expect(inner.map(({ name }) => name)).toEqual(expect.arrayContaining(["Users.create", "Register"]))
    expect(failed.json["trace_id"]).toBe(failure.traceId)

    // Nothing but what was asked for: no purge, no probe.
    expect(new Set(receiver.spans.filter((span) => span.root).map(({ name }) => name))).not.toContain(
      "Users.findByUsername"
    )
    for (const secret of [token, refreshToken, password, "nobody else's", "Bearer ey", "$2b$", "$2a$"]) {
      expect(receiver.text, secret).not.toContain(secret)
    }
    expect(JSON.stringify(receiver.metadata)).toContain("go-chat-app")
    expect(receiver.faults()).toContain("StoreUnavailable")
    expect(receiver.faults()).toContain(failure.traceId)
  })
})

describe("what tracing allocates", () => {
  const modules =
    /observability\/(Tracing|TracingLayer|OtelTracer|ElasticApm|Otlp)\.ts|ws\/MessageTraces\.ts|http\/RequestTrace\.ts|effect\/dist\/(Tracer|observability\/.*)\.js|@opentelemetry\/|elastic-apm-node\//
  const receiver = new OtlpCollector()
  const servers: Array<ServerProcess> = []
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()))
    receiver.close()
  })

  /** Bytes by file, of a flood of 4,000 deliveries and what follows them. */
  const allocated = async (env: Readonly<Record<string, string>>): Promise<ReadonlyArray<[string, number]>> => {
    const server = new ServerProcess()
    servers.push(server)
    const plant = new Plant(server)
    const started = await server.up({ ...unlimited, ...env, ...plant.env })
    const clients = await Promise.all(Array.from({ length: 20 }, () => ChatClient.connect(started.socketUrl)))
    const flood = async (name: string): Promise<void> => {
      for (let n = 1; n <= 200; n++) clients[0]?.say(`${name} ${n}`)
      await Promise.all(clients.map((client) => client.delivered(`${name} 200`)))
    }
    // What is made once is made before.
    await flood("warm")
    await plant.sampleAllocations(started)
    await flood("sampled")
    const bytes = await plant.allocations(started)
    return Object.entries(bytes).filter(([, size]) => size > 0)
  }

  it("is nothing while no server is set, a flood's deliveries through; with one it is seen", async () => {
    const off = await allocated({})
    // The profile sees those who do work.
    expect(off.map(([file]) => file)).toEqual(expect.arrayContaining([expect.stringContaining("src/domain/Turn.ts")]))
    expect(off.filter(([file]) => modules.test(file))).toEqual([])

    const url = await receiver.listen()
    const on = await allocated({ OTEL_EXPORTER_OTLP_ENDPOINT: url, TRACE_MESSAGES: "1" })
    expect(on.filter(([file]) => modules.test(file)).map(([file]) => file)).toEqual(
      expect.arrayContaining([expect.stringContaining("ws/MessageTraces.ts")])
    )
  })
})
