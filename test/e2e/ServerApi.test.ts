import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { promisify } from "node:util"
import { Centrifuge, State, SubscriptionState } from "centrifuge"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"

const run = promisify(execFile)
const key = "a key for backends of 32 bytes and more"
const guide = readFileSync(resolve(import.meta.dirname, "../../docs/clients.md"), "utf8")

describe("a backend", () => {
  const server = new ServerProcess()
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up({ ...unlimited, RATE_LIMIT_PER_MINUTE: "5", API_KEY: key, SERVER_API_COMPAT: "true" })
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  const call = async (
    method: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = { "x-api-key": key }
  ) => (await api.call("POST", `/api/server/v1/${method}`, { body, headers })).json

  /** The JavaScript SDK, connected. */
  const sdk = async (token?: string): Promise<Centrifuge> => {
    const client = new Centrifuge(started.socketUrl.replace("/message/v1/send", "/connection/websocket"), {
      websocket: WebSocket,
      ...(token === undefined ? {} : { token })
    })
    client.connect()
    await client.ready()
    return client
  }

  it("publishes to everybody in the room, on both wires, at the position that it is answered", async () => {
    const client = await sdk()
    const room = client.newSubscription("orders")
    const got = new Promise((done) =>
      room.once("publication", ({ data, info, offset }) => done({ data, info, offset }))
    )
    room.subscribe()
    await room.ready()
    const classic = await ChatClient.connect(`${started.socketUrl}?room=orders`)
    const { result } = await call("publish", {
      channel: "orders",
      data: { message: "paid", from: "shop" },
      idempotency_key: "order-1"
    })
    expect(result).toEqual({ offset: 1, epoch: expect.any(String) })
    expect(await got).toMatchObject({
      data: { from: "shop", message: "paid", id: "order-1" },
      info: { connInfo: { name: "shop", service: true } },
      offset: 1
    })
    expect(await classic.frame(({ seq }) => seq === 1)).toMatchObject({ from: "shop", message: "paid", service: true })
    client.disconnect()
    await classic.close()
  })

  it("has published what it was answered: the same key is the same publication after a kill -9", async () => {
    const durable = new ServerProcess()
    try {
      let { url, stop } = await up(durable)
      const publish = async (data: unknown) => {
        const headers = { authorization: `apikey ${key}` }
        const body = { channel: "$ledger", data, idempotency_key: "once" }
        return (await new ApiClient(url).call("POST", "/api/server/v1/publish", { body, headers })).json
      }
      const first = await publish({ amount: 7 })
      await stop()
      ;({ url, stop } = await up(durable))
      expect(await publish({ amount: 7 })).toEqual(first)
      expect(await publish({ amount: 8 })).toMatchObject({ error: { code: 409 } })
    } finally {
      await durable.remove()
    }
  })

  const up = async (process: ServerProcess) => {
    const running = await process.up({ API_KEY: key })
    return { url: running.url, stop: () => running.stop("SIGKILL") }
  }

  it("ends somebody's subscription: the SDK is told, and does not subscribe again", async () => {
    const { token, username } = await api.somebody("somebody-left")
    const client = await sdk(token)
    const [left, stays] = ["left", "stays"].map((channel) => client.newSubscription(channel)) as [Sub, Sub]
    for (const room of [left, stays]) {
      room.subscribe()
      await room.ready()
    }
    const told = new Promise((done) => left.once("unsubscribed", ({ code, reason }) => done({ code, reason })))
    expect(await call("unsubscribe", { user: username, channel: "left" })).toEqual({ result: {} })
    expect(await told).toEqual({ code: 2_000, reason: "server unsubscribe" })
    expect(left.state).toBe(SubscriptionState.Unsubscribed)
    expect(stays.state).toBe(SubscriptionState.Subscribed)
    client.disconnect()
  })

  it("sends somebody away for good: the SDK is told by a terminal code, and does not connect again", async () => {
    const { token, username } = await api.somebody("somebody-gone")
    const [client, neighbour] = [await sdk(token), await sdk()]
    const ended = new Promise((done) => client.once("disconnected", ({ code, reason }) => done({ code, reason })))
    expect(await call("disconnect", { user: username })).toEqual({ result: {} })
    expect(await ended).toEqual({ code: 3_503, reason: "force disconnect" })
    expect(client.state).toBe(State.Disconnected)
    expect(neighbour.state).toBe(State.Connected)
    neighbour.disconnect()
  })

  it("is let in by its key alone, at Centrifugo's paths too, past the limit of the API that others have", async () => {
    const wrong = { "x-api-key": `${key}!` }
    expect((await api.call("POST", "/api/server/v1/info", { body: {}, headers: wrong })).status).toBe(401)
    expect((await api.call("POST", "/api/info", { body: {} })).status).toBe(401)
    for (let n = 0; n < 10; n++) {
      const { json, status } = await api.call("POST", "/api/info", { body: {}, headers: { "x-api-key": key } })
      expect(status).toBe(200)
      expect(json).toMatchObject({ result: { nodes: [{ version: expect.any(String) }] } })
    }
    const commands = Array.from({ length: 1_000 }, (_, n) => ({
      publish: { channel: "many", data: { message: "x".repeat(700), id: `${n}` } }
    }))
    const { replies } = await call("batch", { commands, parallel: true })
    expect(replies).toEqual(commands.map((_, n) => ({ publish: { offset: n + 1, epoch: expect.any(String) } })))
    expect((await api.call("POST", "/api/batch", { body: {}, headers: { "x-api-key": key } })).json).toMatchObject({
      error: { code: 107 }
    })
  })

  it("can do what the guide shows, as it stands there", async () => {
    const [, lines = ""] = /```bash\n(curl .*?)```/s.exec(guide) ?? []
    expect(lines.match(/^curl /gm)).toHaveLength(4)
    const { stdout } = await run("bash", ["-ec", lines.replaceAll("http://localhost:4000", started.url)], {
      env: { PATH: process.env["PATH"], API_KEY: key }
    })
    const answers: ReadonlyArray<unknown> = JSON.parse(`[${stdout.replaceAll("}{", "},{")}]`)
    expect(answers).toMatchObject([
      { result: { offset: 1 } },
      { result: { publications: [{ data: { from: "shop", message: "Order 17 is on its way" } }] } },
      { replies: [{ unsubscribe: {} }, { presence_stats: { num_clients: 0 } }] },
      { result: {} }
    ])
  })
})

type Sub = ReturnType<Centrifuge["newSubscription"]>
