import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { clientScript, historyCommand, loginCommand, onPortsOf, registerCommand } from "./SeedExamples.ts"

/** Where `CI` is set there is no excuse. */
const noCurl =
  process.env["CI"] === undefined && ["curl", "bash"].some((program) => spawnSync(program, ["--version"]).error)
    ? "curl or bash is not installed: apt-get install curl bash"
    : undefined

const run = promisify(execFile)

/** With every default: the seed's clients know nothing of limits to set. */
await onEachStores("the contract of the seed's README", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up()
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  const curl = async (command: string): Promise<unknown> => {
    const { stdout } = await run("bash", [
      "-c",
      `${onPortsOf(command, started)} --silent --show-error --fail-with-body`
    ])
    return JSON.parse(stdout)
  }

  it("its three curl commands work as they stand", async (test) => {
    test.skip(noCurl !== undefined, noCurl)
    expect(await curl(registerCommand)).toEqual({ username: "testuser", full_name: "Test User" })
    const login = (await curl(loginCommand)) as Record<string, unknown>
    expect(login).toEqual({
      username: "testuser",
      full_name: "Test User",
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    })
    expect(await curl(historyCommand.replace("YOUR_ACCESS_TOKEN", String(login["token"])))).toEqual([])
  })

  it("its client script works, statement by statement: it sends, and prints what comes back", async () => {
    const watcher = await ChatClient.connect(started.socketUrl, { since: 0 })
    // Nobody may send in the very task that made the socket, so the text is run as somebody types it: when the first statement's socket is open, the rest.
    const program = onPortsOf(clientScript, started)
      .replace(/\n\n/, "\nawait new Promise((open) => socket.addEventListener('open', open))\n\n")
      .concat("\nsocket.addEventListener('message', () => socket.close())")
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program])
    expect(stdout).toBe("username: Hello, World!\n")
    expect(await watcher.delivered("Hello, World!")).toMatchObject({ from: "username", guest: true })
    await watcher.close()
  })

  it("a message is from, message and date, in this order and with the server's date; the rest stands behind", async () => {
    const client = await ChatClient.connect(started.socketUrl)
    client.send({ from: "username", message: "When?", date: "2025-01-24T09:10:00Z" })
    const message = await client.delivered("When?")
    expect(Object.keys(message).slice(0, 3)).toEqual(["from", "message", "date"])
    expect(message.date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(message.date.startsWith("2025-01")).toBe(false)
    await client.close()
  })

  it("history is an array of messages, oldest first; refresh gives a new pair; logout ends it", async () => {
    const { refreshToken, token, username } = await api.somebody("historian")
    const client = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    client.say("first")
    client.say("second")
    const second = await client.delivered("second")
    const history = JSON.parse((await api.history(token)).text) as ReadonlyArray<object>
    expect(history.slice(-2)).toMatchObject([
      { from: username, message: "first" },
      { from: username, message: "second", date: second.date, seq: second.seq }
    ])
    const refreshed = await api.refresh(refreshToken)
    expect(refreshed.status).toBe(200)
    expect(Object.keys(refreshed.json)).toEqual(["token", "refresh_token"])
    const newToken = String(refreshed.json["token"])
    expect((await api.history(newToken)).status).toBe(200)
    const logout = await api.logout(newToken)
    expect([logout.status, logout.text]).toEqual([204, ""])
    expect((await client.closed).code).toBe(4502)
    expect((await api.history(newToken)).status).toBe(401)
  })

  it("/api takes 50 requests a minute, and says when to come again", async () => {
    const replies = await Promise.all(Array.from({ length: 101 }, () => api.call("GET", "/api/message/v1/history")))
    const refused = replies.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0)
    expect(replies.every(({ status }) => status === 401 || status === 429)).toBe(true)
    expect((await api.call("GET", "/healthz")).status).toBe(200)
  })
})
