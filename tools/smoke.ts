/**
 * Starts the server in a clone of this repository by the README's first line, and drives it from outside as somebody would who has just read the README:
 * `node tools/smoke.ts <clone>`. Ends with 1 and says where at the first thing that is not as promised.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const clone = process.argv[2] ?? "."
const readme = readFileSync(join(clone, "README.md"), "utf8")
const line = /^```sh\n(.*npm start)$/m.exec(readme)?.[1]
assert.ok(line, "the README has a line that starts the server")

const step = (name: string): void => void process.stdout.write(`smoke: ${name}\n`)

interface Running {
  readonly url: string
  readonly socketUrl: string
  /** SIGTERM to the server; the exit code of the whole line. */
  readonly stop: () => Promise<number | null>
}

/** Free ports, and whatever Node the machine has. */
const env = {
  ...process.env,
  PATH: (process.env["PATH"] ?? "")
    .split(":")
    .filter((path) => !path.includes("node_modules"))
    .join(":"),
  APP_PORT: "0",
  APP_PORT_SOCKET: "0"
}

const start = async (command: string): Promise<Running> => {
  const child = spawn("sh", ["-c", command], { cwd: clone, env, stdio: ["ignore", "pipe", "inherit"], detached: true })
  // Whatever goes wrong, nothing is left running: the group is the shell, npm and the server.
  process.once("exit", () => {
    if (child.exitCode === null && child.signalCode === null && child.pid) process.kill(-child.pid, "SIGKILL")
  })
  const closed = once(child, "close")
  let output = ""
  const ready = /Parley is ready: (\S+) {2}\(WebSocket (\S+)\)/
  await new Promise<void>((done, failed) => {
    child.stdout.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk)
      output += chunk.toString()
      if (ready.test(output)) done()
    })
    child.once("exit", (code) => failed(new Error(`the server ended with ${code} before it was ready`)))
  })
  const [, url = "", socketUrl = ""] = ready.exec(output) ?? []
  return {
    url,
    socketUrl,
    stop: async () => {
      process.kill(Number(readFileSync(join(clone, "data", "owner.pid"), "utf8")), "SIGTERM")
      await closed
      return child.exitCode
    }
  }
}

interface Frame {
  readonly from: string
  readonly message: string
  readonly seq: number
}

/** A socket whose frames are taken one by one. */
const connect = async (url: string, protocols: ReadonlyArray<string> = []) => {
  const socket = new WebSocket(url, [...protocols])
  const frames: Array<Frame> = []
  let arrived: (() => void) | undefined
  socket.addEventListener("message", (event) => {
    frames.push(JSON.parse(String(event.data)) as Frame)
    arrived?.()
  })
  const closed = once(socket, "close").then(([event]) => (event as CloseEvent).code)
  await once(socket, "open")
  return {
    closed,
    send: (message: object) => socket.send(JSON.stringify(message)),
    next: async (): Promise<Frame> => {
      while (frames.length === 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
      const frame = frames.shift()
      assert.ok(frame)
      return frame
    },
    close: () => socket.close()
  }
}

const call = async (method: string, url: string, options: { readonly body?: object; readonly token?: string } = {}) => {
  const response = await fetch(url, {
    method,
    headers: {
      ...(options.body ? { "content-type": "application/json" } : {}),
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {})
    },
    ...(options.body ? { body: JSON.stringify(options.body) } : {})
  })
  const text = await response.text()
  const isJson = (response.headers.get("content-type") ?? "").includes("json")
  return { status: response.status, body: isJson && text !== "" ? JSON.parse(text) : text }
}

step(line)
let server = await start(line)

step("the page, the documents, the probes")
for (const path of ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"]) {
  assert.equal((await call("GET", `${server.url}${path}`)).status, 200, path)
}

step("register, log in")
const account = { username: "testuser", password: "password123", full_name: "Test User" }
const registered = await call("POST", `${server.url}/api/user/v1/register`, { body: account })
assert.deepEqual([registered.status, registered.body], [201, { username: "testuser", full_name: "Test User" }])
const login = await call("POST", `${server.url}/api/user/v1/login`, {
  body: { username: "testuser", password: "password123" }
})
assert.equal(login.status, 200)

step("chat: two sockets see one order")
const guest = await connect(server.socketUrl)
const user = await connect(server.socketUrl, ["bearer", login.body.token])
user.send({ from: "somebody else", message: "one", date: new Date().toISOString() })
for (const socket of [guest, user]) {
  const { from, message, seq } = await socket.next()
  assert.deepEqual([from, message, seq], ["testuser", "one", 1])
}
guest.send({ from: "visitor", message: "two", date: new Date().toISOString() })
for (const socket of [guest, user]) assert.equal((await socket.next()).seq, 2)
guest.send({ from: "testuser", message: "three", date: new Date().toISOString() })
assert.equal((await guest.next()).from, "system", "a guest under a registered name is refused")

step("history")
const history = await call("GET", `${server.url}/api/message/v1/history`, { token: login.body.token })
assert.equal(history.status, 200)
assert.deepEqual(
  history.body.map((entry: Frame) => [entry.from, entry.message, entry.seq]),
  [
    ["testuser", "one", 1],
    ["visitor", "two", 2]
  ]
)
assert.equal((await call("GET", `${server.url}/api/message/v1/history`)).status, 401)

step("refresh, log out: the session's socket is closed")
const refreshed = await call("PUT", `${server.url}/api/user/v1/refresh-token`, { token: login.body.refresh_token })
assert.equal(refreshed.status, 200)
const { token } = refreshed.body
assert.equal((await call("DELETE", `${server.url}/api/user/v1/logout`, { token })).status, 204)
assert.equal(await user.closed, 4502)
assert.equal((await call("GET", `${server.url}/api/message/v1/history`, { token })).status, 401)

step("SIGTERM: sockets are told to come back (1012), exit code 0")
assert.equal(await server.stop(), 0)
assert.equal(await guest.closed, 1012)

step("a second start finds everything again")
server = await start("npm start")
const again = await call("POST", `${server.url}/api/user/v1/login`, {
  body: { username: "testuser", password: "password123" }
})
assert.equal(again.status, 200)
const kept = await call("GET", `${server.url}/api/message/v1/history`, { token: again.body.token })
assert.deepEqual(kept.body, history.body)
const returning = await connect(`${server.socketUrl}?since=1`)
assert.equal((await returning.next()).seq, 2)
returning.close()
assert.equal(await server.stop(), 0)

step("all as promised")
