import { once } from "node:events"
import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"

const key = "a key for backends of 32 bytes and more"

describe("a limit that is hit", () => {
  const server = new ServerProcess()
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up({
      ...unlimited,
      LOGINS_PER_MINUTE: "2",
      SOCKETS_PER_USER: "1",
      SOCKETS_PER_IP: "3",
      MESSAGE_RATE: "1",
      MESSAGE_BURST: "1",
      API_KEY: key,
      SERVER_API_PER_MINUTE: "1",
      TRUSTED_PROXIES: "10.0.0.0/8"
    })
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  /** Sends what is no whole request, and gives what came until the server ended it. */
  const converse = async (bytes: string): Promise<string> => {
    const socket = connect(Number(new URL(started.url).port), "127.0.0.1")
    let heard = ""
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()))
    socket.write(bytes)
    await once(socket, "close")
    return heard
  }

  /** It was counted, and said in the log with who it was. */
  const told = async (reason: string): Promise<void> => {
    const { text } = await api.call("GET", "/metrics")
    expect(
      Number(new RegExp(`^parley_limited_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(text)?.[1])
    ).toBeGreaterThan(0)
    const line = await server.logged((line) => line.includes(`"reason":"${reason}"`))
    expect(line).toMatch(/"who":"[^"]+"/)
  }

  it("by logins is 429, counted and logged", async () => {
    await api.somebody("somebody1")
    await api.login("somebody1")
    const refused = await api.login("somebody1")
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
    await told("logins")
  })

  it("by sockets of a user is 4504, by sockets of an address 429, counted and logged", async () => {
    const { token } = await api.somebody("somebody2")
    const one = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    const other = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    expect((await other.closed).code).toBe(4504)
    await told("sockets_of_user")
    const two = await ChatClient.connect(started.socketUrl)
    const three = await ChatClient.connect(started.socketUrl)
    const refused = await RawSocket.handshake(started.socketUrl)
    expect(refused.status).toBe(429)
    expect(refused.head).toMatch(/\r\nRetry-After: \d+\r\n/)
    await told("sockets_of_address")
    for (const client of [one, two, three]) await client.close()
  })

  it("by messages is a refusal that says when to send again, counted and logged", async () => {
    const client = await ChatClient.connect(started.socketUrl)
    client.say("one")
    client.say("two")
    expect((await client.frame((frame) => frame.error !== undefined)).error).toMatchObject({ code: "rate_limited" })
    await told("messages")
    await client.close()
  })

  it("by pings ends the socket (4029), counted and logged; a ping now and then is answered", async () => {
    const calm = await ChatClient.connect(started.socketUrl)
    const pong = new Promise((done) => calm.socket.once("pong", done))
    calm.socket.ping()
    await pong
    const flooder = await ChatClient.connect(started.socketUrl)
    for (let n = 0; n < 30; n++) flooder.socket.ping()
    expect((await flooder.closed).code).toBe(4029)
    await told("control_frames")
    await calm.close()
  })

  it("by the size of a body is 413, of the headers 431, on both ports, counted and logged", async () => {
    expect((await api.call("POST", "/api/user/v1/login", { body: { username: "x".repeat(70_000) } })).status).toBe(413)
    await told("large_bodies")
    for (const url of [started.url.replace("http", "ws"), started.socketUrl]) {
      expect((await RawSocket.handshake(url, { "X-Large": "x".repeat(17_000) })).status).toBe(431)
    }
    await told("large_headers")
  })

  it("by the time that a request may take is 408, counted and logged", async () => {
    expect(await converse("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")).toMatch(/^HTTP\/1\.1 408 /)
    await told("slow_requests")
  })

  it("is not moved by forwarding headers of a proxy that nobody named, which the log says", async () => {
    expect((await api.call("GET", "/healthz", { headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(200)
    await told("unknown_proxy")
    expect(await server.logged((line) => line.includes("unknown_proxy"))).toContain("TRUSTED_PROXIES")
  })

  it("by requests to the server API is 429, with the key or without, counted and logged", async () => {
    const ask = (headers: Readonly<Record<string, string>>) =>
      api.call("POST", "/api/server/v1/info", { body: {}, headers })
    expect((await ask({ "x-api-key": "guessed" })).status).toBe(401)
    const refused = await ask({ "x-api-key": key })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
    await told("server_api")
  })

  it("by requests to the API is 429, counted and logged", async () => {
    const small = new ServerProcess()
    try {
      const { url } = await small.up({ RATE_LIMIT_PER_MINUTE: "1" })
      const client = new ApiClient(url)
      expect((await client.history("")).status).toBe(401)
      expect((await client.history("")).status).toBe(429)
      expect((await client.call("GET", "/metrics")).text).toContain('parley_limited_total{reason="api"} 1\n')
      await small.logged((line) => line.includes('"reason":"api"'))
    } finally {
      await small.remove()
    }
  })
})
