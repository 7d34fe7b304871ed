import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient, HandshakeRefused } from "../support/ChatClient.ts"
import { RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

await onEachStores("a socket's way in", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  beforeAll(async () => {
    started = await server.up({ ...unlimited, ALLOWED_ORIGINS: "https://chat.example", ALLOWED_HOSTS: "chat.example" })
  })
  afterAll(() => server.remove())

  const handshake = async (headers: Readonly<Record<string, string>>, url = started.socketUrl) => {
    const raw = await RawSocket.handshake(url, headers)
    raw.socket.destroy()
    await raw.ended
    return raw
  }

  it.each([
    ["nobody's: not a browser", undefined],
    ["the same host's on another port", "http://localhost:3000"],
    ["another name's of the same machine", "http://127.0.0.1:3000"],
    ["the same machine's by IPv6", "http://[::1]:3000"],
    ["one that was allowed", "https://chat.example"]
  ])("is open where the Origin is %s", async (_, origin) => {
    expect((await handshake(origin === undefined ? {} : { Origin: origin })).status).toBe(101)
  })

  it("is closed (421) where Host is none that is served: a name that somebody made resolve to us", async () => {
    for (const url of [started.socketUrl, started.socketUrl.replace(/:\d+/, `:${new URL(started.url).port}`)]) {
      for (const Host of ["evil.example", "localhost.evil.example", "evil.example:8080"]) {
        expect((await handshake({ Host }, url)).status).toBe(421)
        expect((await handshake({ Host, Origin: `http://${Host}` }, url)).status).toBe(421)
      }
      expect((await handshake({ Host: "chat.example" }, url)).status).toBe(101)
    }
  })

  it("that was refused for its Origin or Host names in the log the variable that would let it in", async () => {
    await handshake({ Origin: "https://lost.example" })
    await handshake({ Host: "lost.example" })
    await server.logged((line) => line.includes("https://lost.example") && line.includes("ALLOWED_ORIGINS"))
    await server.logged((line) => line.includes('"lost.example"') && line.includes("ALLOWED_HOSTS"))
  })

  it("is the same on both ports", async () => {
    const [one, other] = await Promise.all([
      ChatClient.connect(started.socketUrl, { room: "ports", since: 0 }),
      ChatClient.connect(`${started.url.replace("http", "ws")}/message/v1/send`, { room: "ports", since: 0 })
    ])
    one.say("from one")
    other.say("from the other")
    for (const client of [one, other])
      await Promise.all([client.delivered("from one"), client.delivered("from the other")])
    expect(one.frames).toEqual(other.frames)
    await Promise.all([one.close(), other.close()])
  })

  it("is nowhere else, and a plain request to the socket port is told so", async () => {
    const refused = ChatClient.connect(started.socketUrl.replace("/send", "/elsewhere"))
    await expect(refused).rejects.toEqual(new HandshakeRefused(404))
    const plain = await fetch(started.socketUrl.replace("ws", "http"))
    expect(plain.status).toBeGreaterThanOrEqual(400)
    expect(plain.status).toBeLessThan(500)
  })

  it.each([
    "since=-1",
    "since=1.5",
    "since=x",
    "since=9007199254740993",
    "history=1001",
    "history=-1",
    "since=1&history=1",
    "room=",
    "room=a%20b",
    "room=%00",
    `room=${"x".repeat(65)}`,
    "epoch="
  ])("is closed (400) where the query is ?%s", async (query) => {
    await expect(ChatClient.connect(`${started.socketUrl}?${query}`)).rejects.toEqual(new HandshakeRefused(400))
  })
})

await onEachStores("limits of sockets and messages", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  beforeAll(async () => {
    started = await server.up({
      RATE_LIMIT_PER_MINUTE: "0",
      LOGINS_PER_MINUTE: "0",
      SOCKETS_PER_USER: "3",
      SOCKETS_PER_IP: "6",
      MESSAGE_RATE: "1",
      MESSAGE_BURST: "5"
    })
  })
  afterAll(() => server.remove())

  it("SOCKETS_PER_USER: one more of a user is closed (4504), whatever session it is of; where one leaves, another may come", async () => {
    const api = new ApiClient(started.url)
    const sessions = [await api.somebody("connected"), await api.loggedIn("connected")]
    const connect = (n: number) =>
      ChatClient.connect(started.socketUrl, { headers: bearer(sessions[n % 2]?.token ?? "") })
    const [first, second, third] = [await connect(0), await connect(1), await connect(2)]
    await Promise.all([first, second, third].map((client) => client.settled()))
    expect((await (await connect(3)).closed).code).toBe(4504)
    await first.close()
    await until(async () => (await api.metric("parley_sockets")) === 2)
    const fourth = await connect(4)
    await fourth.settled()
    await Promise.all([second, third, fourth].map((client) => client.close()))
    await until(async () => (await api.metric("parley_sockets")) === 0)
  })

  it("SOCKETS_PER_IP: one more of an address is refused (429), X-Forwarded-For or not", async () => {
    const api = new ApiClient(started.url)
    const clients = await Promise.all(Array.from({ length: 6 }, () => ChatClient.connect(started.socketUrl)))
    for (let n = 0; n < 20; n++) {
      const headers = { "x-forwarded-for": `10.0.0.${n}` }
      await expect(ChatClient.connect(started.socketUrl, { headers })).rejects.toEqual(new HandshakeRefused(429))
    }
    await Promise.all(clients.map((client) => client.close()))
    await until(async () => (await api.metric("parley_sockets")) === 0)
    const again = await ChatClient.connect(started.socketUrl)
    await again.close()
  })

  it("MESSAGE_RATE: what is too much is refused with the time to wait, counted over all sockets of a user; later it is taken", async () => {
    const { token } = await new ApiClient(started.url).somebody("talkative")
    const connect = () => ChatClient.connect(started.socketUrl, { room: "rate", since: 0, headers: bearer(token) })
    const [one, other] = await Promise.all([connect(), connect()])
    for (let n = 1; n <= 4; n++) one.say(`message ${n}`)
    await one.delivered("message 4")
    for (let n = 5; n <= 50; n++) other.say(`message ${n}`)
    const { error } = await other.frame((frame) => frame.error !== undefined)
    expect(error).toMatchObject({ code: "rate_limited", retryable: true })
    expect(error?.retryAfterMs).toBeGreaterThan(0)
    expect(error?.retryAfterMs).toBeLessThanOrEqual(1_000)
    // Told to wait, it waits, and gets through: a refusal costs nothing.
    other.each(({ error: refusal }) => {
      if (refusal !== undefined) setTimeout(() => other.say("patience"), refusal.retryAfterMs)
    })
    other.say("patience")
    await other.delivered("patience")
    // A flood that goes on and on ends the socket.
    const flooder = await connect()
    for (let n = 0; n < 300; n++) flooder.say("flood")
    expect((await flooder.closed).code).toBe(4029)
    await Promise.all([one.close(), other.close()])
  })
})

/** Asks again until it is so: what the server counts follows a goodbye by a moment. */
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((done) => setImmediate(done))
}
