import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { freePorts } from "../bench/server/freePorts.ts"
import { ServerProcess } from "./support/ServerProcess.ts"

let server: ServerProcess
beforeEach(() => {
  server = new ServerProcess()
})
afterEach(() => server.remove())

const logLines = (): ReadonlyArray<string> =>
  readFileSync(server.logFile, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => String((JSON.parse(line) as Record<string, unknown>)["message"]))

describe("parley", () => {
  it("says where to open the page once it listens, and SIGTERM ends it with 0", async () => {
    const started = await server.start()
    expect(started.stdout).toMatch(
      /^Parley is ready: http:\/\/localhost:\d+ {2}\(WebSocket ws:\/\/localhost:\d+\/message\/v1\/send\)$/m
    )
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect(started.stderr).toBe("")
    expect(logLines()).toEqual(["listening", "stopping"])
  })

  it("tells its sockets that it restarts (1012) before it ends", async () => {
    const started = await server.start()
    const socket = new WebSocket(started.socketUrl)
    await once(socket, "open")
    const closed = once(socket, "close")
    expect(await started.stop("SIGINT")).toEqual([0, null])
    expect(await closed).toMatchObject([{ code: 1012 }])
  })

  it("takes what the environment does not say from .env", async () => {
    writeFileSync(join(server.directory, ".env"), "APP_PORT=nonsense\nAPP_PORT_SOCKET=nonsense\n")
    const started = await server.start({ APP_PORT: "0", APP_PORT_SOCKET: "" })
    expect(await started.exit).toEqual([1, null])
    expect(started.stderr).toBe('parley: APP_PORT_SOCKET: expected a port number 0–65535, got "nonsense"\n')
  })

  it("does not start with a wrong configuration, and names every wrong value", async () => {
    const started = await server.start({ APP_PORT: "abc", JWT_SECRET: "hunter2" })
    expect(await started.exit).toEqual([1, null])
    expect(started.stderr).toBe(
      'parley: APP_PORT: expected a port number 0–65535, got "abc"\n' +
        "parley: JWT_SECRET: expected at least 32 bytes, got 7 bytes (not shown)\n"
    )
    expect(started.stdout).toBe("")
  })

  it("ends with one line when a port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const { port } = other.address() as AddressInfo
    const started = await server.start({ APP_PORT: String(port) })
    expect(await started.exit).toEqual([1, null])
    other.close()
    expect(started.stderr).toMatch(new RegExp(`^parley: APP_PORT: port ${port} .*\n$`))
    expect(started.stdout).toBe("")
  })

  it("ends with one line when its data directory cannot be written", async () => {
    writeFileSync(join(server.directory, "file"), "")
    const started = await server.start({ DATA_DIR: "./file/data" })
    expect(await started.exit).toEqual([1, null])
    expect(started.stderr).toMatch(/^parley: DATA_DIR: cannot write \.\/file\/data \(.*\)\n$/)
  })

  it("ends with one line when its log cannot be written", async () => {
    mkdirSync(join(server.directory, "log"))
    const started = await server.start({ LOG_FILE: "./log" })
    expect(await started.exit).toEqual([1, null])
    expect(started.stderr).toMatch(/^parley: LOG_FILE: cannot write \.\/log \(.*\)\n$/)
  })

  it.each(["people.db", "journal.db"])(
    "ends with one line when %s is no database, and leaves it alone",
    async (name) => {
      mkdirSync(join(server.directory, "data"))
      const file = join(server.directory, "data", name)
      const text = "this is no database at all, but it is somebody's".repeat(100)
      writeFileSync(file, text)
      const started = await server.start()
      expect(await started.exit).toEqual([1, null])
      expect(started.stderr).toMatch(new RegExp(`^parley: .*${name}.*\n$`))
      expect(readFileSync(file, "utf8")).toBe(text)
    }
  )

  it("is the only one on its data directory: a second one stands by, names the holder, and takes over", async () => {
    const first = await server.start()
    const [port = 0] = await freePorts(1)
    const second = server.launch({ LOG_FILE: "./logs/second.log", APP_PORT: String(port) })
    await second.says(`holder=pid ${first.pid}`)
    const answer = await fetch(`http://localhost:${port}/readyz`)
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(`pid ${first.pid}`)])
    expect((await fetch(`http://localhost:${port}/healthz`)).status).toBe(200)
    expect(await first.stop("SIGKILL")).toEqual([null, "SIGKILL"])
    await second.settled
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
  })

  it("migrate makes the stores and ends; it waits for a server that owns them", async () => {
    const made = await server.start({}, ["migrate"])
    expect([await made.exit, made.stdout]).toEqual([
      [0, null],
      expect.stringMatching(/^The stores are ready for Parley/)
    ])
    const running = await server.start()
    const waiting = server.launch({ LOG_FILE: "./logs/migrate.log" }, ["migrate"])
    await waiting.says(`owner=pid ${running.pid}`)
    await running.stop()
    expect(await waiting.exit).toEqual([0, null])
  })

  it("warns of a variable that is likely a misspelling", async () => {
    await server.start({ APP_PROT: "4000" })
    await server.logged((line) => line.includes("was APP_PORT meant?"))
  })

  it("answers --help and --version, and names an option that it does not know", async () => {
    const help = await server.start({}, ["--help"])
    expect(await help.exit).toEqual([0, null])
    expect(help.stdout).toContain("Usage: parley")
    const version = await server.start({}, ["--version"])
    expect(await version.exit).toEqual([0, null])
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const [args, what] of [
      [["migrate", "now"], "argument now"],
      [["server"], "argument server"]
    ] as const) {
      expect((await server.start({}, args)).stderr).toBe(`parley: unknown ${what} (see parley --help)\n`)
    }
    for (const [args, usage] of [
      [["backup"], "backup <directory>"],
      [["restore", "here", "there"], "restore <directory>"],
      [["user"], "user reset-password <username>"],
      [["user", "reset-password"], "user reset-password <username>"]
    ] as const) {
      const started = await server.start({}, args)
      expect(await started.exit).toEqual([2, null])
      expect(started.stderr).toBe(`parley: usage: parley ${usage} (see parley --help)\n`)
    }
    const unknown = await server.start({}, ["--prot"])
    expect(await unknown.exit).toEqual([2, null])
    expect(unknown.stderr).toBe("parley: unknown option --prot (see parley --help)\n")
  })
})
