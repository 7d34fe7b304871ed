import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { Plant } from "../support/Plant.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { Balloon, noMount, onSmallDisk } from "../support/SmallDisk.ts"
import { DiskFault, noStrace } from "../support/Strace.ts"

const hour = 3_600_000

describe("a server process in trouble", () => {
  let server: ServerProcess
  let plant: Plant
  beforeEach(() => {
    server = new ServerProcess()
    plant = new Plant(server)
  })
  afterEach(() => server.remove())

  it.each(["defect", "rejection"] as const)(
    "a %s that nobody caught: one line that tells of it, 1012 to every socket, exit code 1, and nothing lost that was acknowledged",
    async (what) => {
      const started = await server.up({ ...unlimited, ...plant.env })
      const client = await ChatClient.connect(started.socketUrl, { since: 0 })
      client.say("acknowledged")
      await client.delivered("acknowledged")
      await plant.act(started, { what })
      expect(await started.exit).toEqual([1, null])
      expect((await client.closed).code).toBe(1012)
      const lines = readFileSync(server.logFile, "utf8").trimEnd().split("\n")
      const fatal = lines.filter((line) => line.includes('"log.level":"fatal"'))
      expect(fatal).toEqual([expect.stringContaining("a defect that nobody caught")])
      const { socketUrl } = await server.up(unlimited)
      const again = await ChatClient.connect(socketUrl, { since: 0 })
      again.say("after")
      await again.delivered("after")
      expect(again.messages.map(({ message }) => message)).toEqual(["acknowledged", "after"])
    }
  )

  it.each([-24 * hour, hour / 4 - 60_000])(
    "a clock that is set by %i ms: no socket is cut, nobody waits longer for a limit, sessions go on",
    async (millis) => {
      const started = await server.up({
        ...unlimited,
        ...plant.env,
        MESSAGE_RATE: "50",
        MESSAGE_BURST: "2",
        LOGINS_PER_MINUTE: "2"
      })
      const api = new ApiClient(started.url)
      const { refreshToken, token } = await api.somebody("timeless")
      const account = await ChatClient.connect(started.socketUrl, { room: "account", headers: bearer(token) })
      const guest = await ChatClient.connect(started.socketUrl, { room: "guest" })
      /** Said as often as the server asks for it, which is never for more than a second. */
      const patiently = async (client: ChatClient, text: string): Promise<void> => {
        for (;;) {
          const before = client.frames.length
          client.say(text)
          await client.until(() => client.frames.length > before)
          const refusal = client.frames.at(-1)?.error
          if (refusal === undefined) return
          if (refusal.code !== "rate_limited" || (refusal.retryAfterMs ?? 0) > 1_000)
            throw new Error(JSON.stringify(refusal))
          await new Promise((done) => setTimeout(done, refusal.retryAfterMs))
        }
      }
      for (let n = 0; n < 6; n++) await patiently(account, `before ${n}`)
      await plant.act(started, { what: "clock", millis })
      // Twice the time after which sockets are looked at: who takes the jump for silence cuts them then.
      const looked = Date.now() + 2_500
      for (let n = 0; Date.now() < looked; n++) await patiently(guest, `waiting ${n}`)
      for (let n = 0; n < 6; n++) await patiently(account, `after ${n}`)
      expect([account.socket.readyState, guest.socket.readyState]).toEqual([1, 1])
      expect((await api.history(token)).status).toBe(200)
      // One more is free, as before the jump; past it the wait is of a minute and not of a day.
      expect((await api.login("timeless")).status).toBe(200)
      const limited = await api.login("timeless")
      expect(limited.status).toBe(429)
      expect(Number(limited.headers.get("retry-after"))).toBeLessThanOrEqual(60)
      expect((await api.refresh(refreshToken)).status).toBe(200)
      expect(await started.stop()).toEqual([0, null])
    }
  )

  it("a clock that is set past a token's end ends its sockets (4001) and leaves the guests'", async () => {
    const started = await server.up({ ...unlimited, ...plant.env })
    const { refreshToken, token } = await new ApiClient(started.url).somebody("timely")
    const account = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    const guest = await ChatClient.connect(started.socketUrl, { since: 0 })
    await account.settled()
    await plant.act(started, { what: "clock", millis: hour })
    expect((await account.closed).code).toBe(4001)
    guest.say("still here")
    await guest.delivered("still here")
    expect((await new ApiClient(started.url).refresh(refreshToken)).status).toBe(200)
  })

  /** Says it until it is refused: how often it was taken. */
  const sayUntilRefused = async (client: ChatClient, message: string): Promise<number> => {
    for (let n = 0; ; n++) {
      const id = `${message.length} ${n}`
      client.say(message, { id })
      const { error } = await client.frame((frame) => (frame.id ?? frame.error?.id) === id)
      if (error !== undefined) return n
    }
  }

  /** Chats and registers before, amid and after a disk that takes nothing. */
  const amid = async (
    started: Started,
    spoil: () => Promise<{ readonly remove: () => Promise<void> | void }>
  ): Promise<void> => {
    const api = new ApiClient(started.url)
    const { token } = await api.somebody("reader")
    const [sender, witness] = [
      await ChatClient.connect(started.socketUrl, { since: 0 }),
      await ChatClient.connect(started.socketUrl, { since: 0 })
    ]
    sender.say("before")
    await Promise.all([sender.delivered("before"), witness.delivered("before")])
    const disk = await spoil()
    // The write-ahead log had some room left: first for long messages, then for short ones.
    const kept = ["before"]
    for (const text of ["x".repeat(15_000), "x".repeat(100)]) {
      const taken = await sayUntilRefused(sender, text)
      kept.push(...Array.from({ length: taken }, () => text))
    }
    const inLog = async () => (await api.log(token, "lobby")).map(({ message, seq }) => [seq, message])
    const numbered = (texts: ReadonlyArray<string>) => texts.map((text, index) => [index + 1, text])
    const { error } = await sender.answerTo({ from: "visitor", message: "amid", id: "amid" })
    expect(error).toMatchObject({ code: "unavailable", retryable: true, id: "amid" })
    const late = await ChatClient.connect(started.socketUrl, { since: 0 })
    await late.delivered("before")
    expect(await inLog()).toEqual(numbered(kept))
    expect((await api.register("newcomer")).status).toBe(503)
    expect(started.child.exitCode).toBeNull()
    await disk.remove()
    await sender.insist("amid")
    await Promise.all([witness, late].map((client) => client.delivered("amid")))
    expect((await api.register("newcomer")).status).toBe(201)
    expect(await inLog()).toEqual(numbered([...kept, "amid"]))
  }

  describe("by its disk", () => {
    beforeEach((test) => test.skip(noStrace !== undefined, noStrace))
    it.each([
      ["full", "pwrite64", "error=ENOSPC"],
      ["read-only", "pwrite64,access,faccessat,faccessat2", "error=EROFS"]
    ] as const)(
      "a disk that is %s: what is sent is refused and may be sent again, reading goes on, and it recovers by itself",
      async (_, calls, fault) => {
        const started = await server.up(unlimited)
        await amid(started, () => DiskFault.inject(started.pid, fault, calls))
        expect(await started.stop()).toEqual([0, null])
      }
    )
  })

  describe("on a disk of its own", () => {
    beforeEach((test) => test.skip(noMount !== undefined, noMount))

    it("that somebody else fills to the last page: what is sent is refused and may be sent again, reading goes on, and it recovers by itself", async () => {
      const full = new ServerProcess(undefined, onSmallDisk(16))
      try {
        const started = await full.up(unlimited)
        await amid(started, async () => {
          const balloon = new Balloon(started.pid, full.directory)
          balloon.fill()
          return balloon
        })
        expect(await started.stop()).toEqual([0, null])
      } finally {
        await full.remove()
      }
    })

    it("that is read-only: it does not start, and one line names the variable", async () => {
      const readOnly = new ServerProcess(undefined, onSmallDisk(16, ",ro"))
      try {
        const started = await readOnly.start(unlimited)
        expect(await started.exit).toEqual([1, null])
        expect(started.stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(/DATA_DIR: cannot write .*data/)])
      } finally {
        await readOnly.remove()
      }
    })
  })

  const filesOf = (): ReadonlyArray<readonly [string, Buffer]> => {
    const directory = join(server.directory, "data")
    return readdirSync(directory)
      .filter((name) => /\.db(-wal)?$/.test(name))
      .map((name) => [name, readFileSync(join(directory, name))] as const)
  }
  const filled = async () => {
    const started = await server.up(unlimited)
    await new ApiClient(started.url).register("reader")
    const client = await ChatClient.connect(started.socketUrl, { since: 0 })
    // In commits one after the other: what is torn is a commit.
    for (let n = 1; n <= 200; n++) {
      client.say(`message ${n} ${"x".repeat(500)}`)
      if (n % 50 === 0) await client.until(() => client.messages.length === n)
    }
    return started
  }

  it.each(["journal.db", "people.db"])(
    "a %s that is damaged is not served: one line names it and says how to restore it, exit code 1, no byte of it is changed",
    async (name) => {
      await (await filled()).stop()
      const file = join(server.directory, "data", name)
      const bytes = readFileSync(file)
      bytes.fill(0x5a, 4_096 + 1_000, bytes.length - 1_000)
      writeFileSync(file, bytes)
      const before = filesOf()
      const started = await server.start(unlimited)
      expect(await started.exit).toEqual([1, null])
      expect(started.stderr.trimEnd().split("\n")).toHaveLength(1)
      expect(started.stderr).toContain(name)
      expect(started.stderr).toMatch(/restore a backup/)
      for (const [each, content] of filesOf())
        expect(content.equals(before.find(([other]) => other === each)?.[1] ?? Buffer.alloc(0))).toBe(true)
    }
  )

  it("a write-ahead log whose end was torn by a crash: what is whole is served, position after position, and the chat goes on", async () => {
    await (await filled()).stop("SIGKILL")
    const log = join(server.directory, "data", "journal.db-wal")
    // Behind its frames stand the zeros that the next ones are written over.
    const written = readFileSync(log).findLastIndex((byte) => byte !== 0) + 1
    truncateSync(log, written - 5_000)
    const started = await server.up(unlimited)
    const { token } = await new ApiClient(started.url).loggedIn("reader")
    const entries = await new ApiClient(started.url).log(token, "lobby")
    expect(entries.length).toBeGreaterThan(0)
    expect(entries.length).toBeLessThan(200)
    expect(entries.map(({ message, seq }) => [seq, message])).toEqual(
      entries.map((_, index) => [index + 1, `message ${index + 1} ${"x".repeat(500)}`])
    )
    const client = await ChatClient.connect(started.socketUrl, { since: entries.length })
    client.say("and on")
    expect((await client.delivered("and on")).seq).toBe(entries.length + 1)
  })

  it("thousands of sockets that come and go leave no handle and no heap behind", async () => {
    const started = await server.up({ ...unlimited, SOCKETS_PER_IP: "0", ...plant.env })
    const api = new ApiClient(started.url)
    const round = async (connects: number): Promise<void> => {
      const one = async (n: number) => {
        const client = await ChatClient.connect(started.socketUrl, { room: `room-${n % 8}` })
        if (n % 4 === 0) client.say("passing by")
        if (n % 2 === 0) client.socket.terminate()
        await client.close()
      }
      for (let n = 0; n < connects; n += 50) await Promise.all(Array.from({ length: 50 }, (_, index) => one(n + index)))
      while ((await api.metric("parley_sockets")) > 0);
    }
    await round(1_000)
    const before = await plant.measure(started)
    await round(2_000)
    const after = await plant.measure(started)
    expect(after.handles).toBeLessThanOrEqual(before.handles + 2)
    // A socket that is kept is some 10 KB: 20 MB. The messages that were said are in the rooms' tails.
    expect(after.heapBytes - before.heapBytes).toBeLessThan(4e6)
  })
})
