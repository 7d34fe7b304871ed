import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { startParley } from "../src/index.ts"
import type { LogLine, MessageView, Parley, StartOptions } from "../src/index.ts"

let directory: string
let running: Array<Parley>
let lines: Array<LogLine>

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "parley-embedded-"))
  running = []
  lines = []
})
afterEach(async () => {
  await Promise.all(running.map((parley) => parley.stop()))
  rmSync(directory, { recursive: true, force: true })
})

const start = async (options: StartOptions = {}): Promise<Parley> => {
  const log = (line: LogLine): void => void lines.push(line)
  const parley = await startParley({ apiPort: 0, socketPort: 0, dataDir: join(directory, "data"), log, ...options })
  running.push(parley)
  return parley
}

const refusal = async (options: object): Promise<string> => {
  const started = start(options)
  await expect(started).rejects.toMatchObject({ _tag: "StartError" })
  return started.then(
    () => "",
    (error: Error) => error.message
  )
}

/** A guest's socket and the frames that it gets, one by one. */
const connect = async (url: string) => {
  const socket = new WebSocket(url)
  const frames: Array<MessageView> = []
  let arrived = (): void => {}
  socket.addEventListener("message", ({ data }) => {
    frames.push(JSON.parse(String(data)) as MessageView)
    arrived()
  })
  await once(socket, "open")
  return {
    socket,
    next: async (): Promise<MessageView | undefined> => {
      while (frames.length === 0) {
        await new Promise<void>((done) => {
          arrived = done
        })
      }
      return frames.shift()
    }
  }
}

/** A listener, and a promise of the first `count` messages that it gets. */
const collect = (count: number) => {
  const got: Array<MessageView> = []
  const { promise, resolve } = Promise.withResolvers<ReadonlyArray<MessageView>>()
  return {
    listener: (message: MessageView): void => {
      got.push(message)
      if (got.length === count) resolve(got)
    },
    all: promise
  }
}

describe("startParley", () => {
  it("serves the page, the API and sockets where it says", async () => {
    const parley = await start()
    expect(parley.url).toBe(`http://localhost:${parley.apiPort}`)
    expect(parley.socketUrl).toBe(`ws://localhost:${parley.socketPort}/message/v1/send`)
    expect((await fetch(`${parley.url}/readyz`)).status).toBe(200)
    expect(await (await fetch(parley.url)).text()).toContain("<html")
    const guest = await connect(parley.socketUrl)
    guest.socket.send(JSON.stringify({ from: "visitor", message: "hi" }))
    expect(await guest.next()).toMatchObject({ from: "visitor", message: "hi", seq: 1, guest: true })
  })

  it("posts what sockets get, and tells whom it is from", async () => {
    const parley = await start()
    const guest = await connect(`${parley.socketUrl}?room=news`)
    expect(await parley.post({ room: "news", from: "release-bot", message: "Version 7 is out" })).toEqual({ seq: 1 })
    const frame = await guest.next()
    expect(frame).toMatchObject({ from: "release-bot", message: "Version 7 is out", room: "news", service: true })
    expect(await parley.history("news")).toEqual([frame])
  })

  it("posts the same id once, also after a restart", async () => {
    const post = { room: "news", from: "release-bot", message: "Version 7 is out", id: "release-7" }
    const first = await start()
    expect(await first.post(post)).toEqual({ seq: 1 })
    expect(await first.post(post)).toEqual({ seq: 1 })
    await first.stop()
    const second = await start()
    expect(await second.post(post)).toEqual({ seq: 1 })
    await expect(second.post({ ...post, message: "Version 8 is out" })).rejects.toMatchObject({
      _tag: "RoomRejected",
      code: "id_conflict",
      retryable: false
    })
    expect(await second.history("news")).toHaveLength(1)
  })

  it("calls a listener with every message in order, from a position on", async () => {
    const parley = await start()
    for (const message of ["one", "two", "three"]) await parley.post({ room: "news", from: "bot", message })
    const past = collect(4)
    const live = collect(2)
    await parley.onMessage("news", past.listener, { since: 1 })
    await parley.onMessage("news", live.listener)
    await parley.post({ room: "news", from: "bot", message: "four" })
    await parley.post({ room: "news", from: "bot", message: "five" })
    expect((await past.all).map(({ seq }) => seq)).toEqual([2, 3, 4, 5])
    expect((await live.all).map(({ message }) => message)).toEqual(["four", "five"])
  })

  it("waits for a listener that returns a promise, logs the error of one that throws, and calls it again", async () => {
    const parley = await start()
    const { listener, all } = collect(2)
    let busy = false
    let overlapped = false
    await parley.onMessage("news", async (message) => {
      overlapped ||= busy
      busy = true
      await Promise.resolve()
      busy = false
      listener(message)
      throw new Error("this listener is broken")
    })
    await Promise.all(["one", "two"].map((message) => parley.post({ room: "news", from: "bot", message })))
    await all
    await parley.stop()
    expect(overlapped).toBe(false)
    expect(lines[0]).toMatchObject({ level: "error", message: "A listener failed" })
    expect(lines[0]?.error?.message).toBe("this listener is broken")
  })

  it("calls a listener no more once it was told to end", async () => {
    const parley = await start()
    const ended = collect(1)
    const other = collect(1)
    let calls = 0
    const end = await parley.onMessage("news", (message) => {
      calls += 1
      ended.listener(message)
    })
    await parley.post({ room: "news", from: "bot", message: "one" })
    await ended.all
    await end()
    await parley.onMessage("news", other.listener)
    await parley.post({ room: "news", from: "bot", message: "two" })
    await other.all
    expect(calls).toBe(1)
  })

  it("pages through history by position", async () => {
    const parley = await start()
    for (const message of ["1", "2", "3", "4"]) await parley.post({ room: "news", from: "bot", message })
    const texts = async (page: object) => (await parley.history("news", page)).map(({ message }) => message)
    expect(await texts({ limit: 2 })).toEqual(["3", "4"])
    expect(await texts({ limit: 2, before: 3 })).toEqual(["1", "2"])
    expect(await texts({ after: 1, before: 4 })).toEqual(["2", "3"])
  })

  it("refuses a post that cannot be one, says what is wrong, and stores nothing of it", async () => {
    const parley = await start()
    for (const [wrong, what] of [
      [{ room: "no room" }, /^room: /],
      [{ from: "" }, /^from: /],
      [{ from: "bot\n" }, /^from: /],
      [{ message: " " }, /^message: /],
      [{ message: "漢".repeat(6_000) }, /^message: /],
      [{ id: "" }, /^id: /],
      [{ text: "hi" }, /^text: /]
    ] as const) {
      const post = { room: "news", from: "bot", message: "hi", ...wrong }
      await expect(parley.post(post)).rejects.toThrow(what)
      await expect(parley.post(post)).rejects.toBeInstanceOf(TypeError)
    }
    expect(await parley.history("news")).toEqual([])
  })

  it("refuses a listener from a position that the room does not have", async () => {
    const parley = await start()
    await expect(parley.onMessage("news", () => {}, { since: 7 })).rejects.toMatchObject({ code: "position_unknown" })
    await expect(parley.onMessage("news", () => {}, { since: -1 })).rejects.toThrow(/^since: /)
    await expect(parley.history("news", { limit: 0 })).rejects.toThrow(/^limit: /)
  })

  it.each<readonly [object, RegExp]>([
    [{ apiPort: 70_000 }, /^apiPort: expected a port number 0–65535, got "70000"$/],
    [{ apiPort: "4000" }, /^apiPort: /],
    [{ apiPrt: 4000 }, /^apiPrt: /],
    [{ dataDir: "" }, /^dataDir: /],
    [{ jwtSecret: "hunter2" }, /^jwtSecret: expected at least 32 bytes, got 7 bytes \(not shown\)$/],
    [{ accessTokenTtl: "soon" }, /^accessTokenTtl: expected a duration/],
    [{ accessTokenTtl: "2 hours", refreshTokenTtl: 3_600_000 }, /^accessTokenTtl: expected at most refreshTokenTtl$/],
    [{ allowedOrigins: ["chat.example"] }, /^allowedOrigins: expected origins/],
    [{ guests: "maybe" }, /^guests: expected "allow" or "deny"/],
    [{ apiPort: -1, messageRate: -1 }, /^apiPort: .*\nmessageRate: .*$/],
    [{ environment: { MESSAGE_RATE: "many" } }, /^MESSAGE_RATE: expected a whole number/]
  ])("does not start with %j, and says which option is wrong", async (options, message) => {
    expect(await refusal(options)).toMatch(message)
    expect(readdirSync(directory)).toEqual([])
  })

  it("reads the environment only when asked, and then an option wins", async () => {
    process.env["GUESTS"] = "nonsense"
    try {
      await (await start()).stop()
    } finally {
      delete process.env["GUESTS"]
    }
    const environment = { APP_PORT: "nonsense", GUESTS: "deny", DATA_DIR: "" }
    const parley = await start({ environment })
    const guest = await connect(parley.socketUrl)
    guest.socket.send(JSON.stringify({ from: "visitor", message: "hi" }))
    expect(await guest.next()).toMatchObject({ error: { code: "forbidden" } })
  })

  it("does not start on a port that is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const { port } = other.address() as AddressInfo
    expect(await refusal({ socketPort: port })).toMatch(
      new RegExp(`^socketPort: port ${port} on localhost is already in use; .* in socketPort$`)
    )
    other.close()
    await start({ socketPort: port })
  })

  it("does not start in a directory that cannot be written, or that another server has", async () => {
    writeFileSync(join(directory, "file"), "")
    expect(await refusal({ dataDir: join(directory, "file", "data") })).toMatch(/^dataDir: cannot write /)
    await start()
    expect(await refusal({})).toMatch(/^dataDir: .* is in use by another process/)
  })

  it("leaves nothing open when it does not start", async () => {
    const first = await start()
    await first.stop()
    const journal = join(directory, "data", "journal.db")
    writeFileSync(journal, "this is no database".repeat(100))
    expect(await refusal({})).toContain(journal)
    rmSync(journal)
    await start()
  })

  it("runs several servers in one program, which share nothing", async () => {
    const [one, two] = await Promise.all([
      start({ dataDir: join(directory, "one") }),
      start({ dataDir: join(directory, "two") })
    ])
    await one.post({ room: "lobby", from: "bot", message: "one" })
    expect(await two.history("lobby")).toEqual([])
    await one.stop()
    expect((await fetch(`${two.url}/readyz`)).status).toBe(200)
    await expect(fetch(`${one.url}/readyz`)).rejects.toThrow("fetch failed")
  })

  it("says goodbye to its sockets when it stops, and stops once", async () => {
    const parley = await start()
    const { socket } = await connect(parley.socketUrl)
    const closed = once(socket, "close")
    const posting = parley.post({ room: "lobby", from: "bot", message: "last" })
    const stops = [parley.stop(), parley.stop(), parley.stopped]
    await stops[1]
    await start()
    await Promise.all(stops)
    expect(await posting).toEqual({ seq: 1 })
    expect(await closed).toMatchObject([{ code: 1012 }])
    await expect(parley.post({ room: "lobby", from: "bot", message: "late" })).rejects.toMatchObject({
      code: "unavailable"
    })
  })

  it("stops by itself when its log cannot be trusted any more, and says so", async () => {
    const first = await start()
    for (const message of ["1", "2", "3"]) await first.post({ room: "lobby", from: "bot", message })
    await first.stop()
    const database = new DatabaseSync(join(directory, "data", "journal.db"))
    database.exec("DELETE FROM batches WHERE first = 2")
    database.close()
    const second = await start()
    await expect(second.history("lobby")).rejects.toMatchObject({ _tag: "JournalError", reason: "Broken" })
    await expect(second.stopped).rejects.toMatchObject({ _tag: "JournalError", reason: "Broken" })
    await expect(fetch(second.url)).rejects.toThrow("fetch failed")
    expect(lines.map(({ level }) => level)).toContain("fatal")
    await second.stop()
  })

  it("can be stopped by a listener", async () => {
    const parley = await start()
    await parley.onMessage("lobby", () => parley.stop())
    await parley.post({ room: "lobby", from: "bot", message: "stop" })
    await parley.stopped
  })

  it("is silent on the terminal while all is well, and leaves nothing that keeps the program alive", () => {
    mkdirSync(join(directory, "program"))
    const program = join(directory, "program", "main.mts")
    writeFileSync(
      program,
      `import { startParley } from ${JSON.stringify(resolve(import.meta.dirname, "../src/index.ts"))}
       const parley = await startParley({ apiPort: 0, socketPort: 0 })
       await parley.onMessage("lobby", () => {})
       await parley.post({ room: "lobby", from: "bot", message: "hi" })
       await fetch(parley.url)
       const socket = new WebSocket(parley.socketUrl)
       await new Promise((open) => socket.addEventListener("open", open))
       await parley.stop()
       process.stdout.write("stopped\\n")`
    )
    const run = spawnSync(process.execPath, [program], { cwd: join(directory, "program"), encoding: "utf8" })
    expect([run.status, run.stdout, run.stderr]).toEqual([0, "stopped\n", ""])
    expect(readdirSync(join(directory, "program"))).toEqual(["data", "main.mts"])
  })
})
