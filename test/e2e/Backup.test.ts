import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

const secret = "a secret of these tests, with more than 32 bytes"
const env = { ...unlimited, JWT_SECRET: secret }

describe("a backup of the embedded databases", () => {
  let server: ServerProcess
  beforeEach(() => {
    server = new ServerProcess()
  })
  afterEach(() => server.remove())

  const run = async (args: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) => {
    const command = await server.start({ ...env, ...more }, args)
    return { exit: await command.exit, stdout: command.stdout, stderr: command.stderr }
  }
  const at = (...path: ReadonlyArray<string>): string => join(server.directory, ...path)

  it("is made under load, holds what was acknowledged before it, and is restored with a new epoch and no session", async () => {
    const { socketUrl, url } = await server.up(env)
    const api = new ApiClient(url)
    const before = await api.somebody("somebody1")
    const talker = await ChatClient.connect(socketUrl, { room: "flood", headers: bearer(before.token) })
    let said = 0
    const talk = () => talker.say(`message ${(said += 1)}`)
    talker.each(talk)
    for (let n = 0; n < 16; n++) talk()
    await talker.until(() => talker.messages.length > 500)
    const acknowledged = talker.messages.length
    expect(await run(["backup", "copy"])).toEqual({
      exit: [0, null],
      stdout: "The databases in ./data were copied to copy.\n",
      stderr: ""
    })
    const during = talker.messages.length
    expect(during).toBeGreaterThan(acknowledged)
    // The chat goes on, and so does what nobody will find in the copy.
    await talker.until(() => talker.messages.length > during + 100)
    expect((await api.register("somebody2")).status).toBe(201)
    const messages = [...talker.messages]
    const { headers } = await api.history(before.token, "?room=flood&limit=1")
    const files = readdirSync(at("copy")).toSorted()
    expect(files).toEqual(["journal.db", "people.db"])
    for (const file of files) expect(statSync(at("copy", file)).mode & 0o077).toBe(0)

    expect((await run(["restore", "copy"], { DATA_DIR: "./restored" })).exit).toEqual([0, null])
    const restored = new ServerProcess()
    try {
      const again = await restored.up({ ...env, DATA_DIR: at("restored") })
      const other = new ApiClient(again.url)
      expect((await other.history(before.token)).status).toBe(401)
      expect((await other.refresh(before.refreshToken)).status).toBe(401)
      expect((await other.login("somebody2")).status).toBe(401)
      const { token } = await other.loggedIn("somebody1")
      const log = await other.log(token, "flood")
      expect(log.length).toBeGreaterThanOrEqual(acknowledged)
      expect(log.map(({ message, seq }) => [message, seq])).toEqual(
        messages.slice(0, log.length).map(({ message, seq }) => [message, seq])
      )
      const epoch = (await other.history(token, "?room=flood&limit=1")).headers.get("x-parley-epoch")
      expect(epoch).not.toBe(headers.get("x-parley-epoch"))
      // Whoever resumes in the log that was is told, and the room goes on.
      const client = await ChatClient.connect(again.socketUrl, {
        room: "flood",
        since: log.length,
        epoch: headers.get("x-parley-epoch") ?? ""
      })
      expect((await client.frame((frame) => frame.error !== undefined)).error?.code).toBe("position_unknown")
      expect((await client.insist("after the restore")).seq).toBe(log.length + 1)
    } finally {
      await restored.remove()
    }
  })

  it("overwrites nothing: neither a directory, nor databases, nor those of a server that runs", async () => {
    const started = await server.up(env)
    expect((await run(["backup", "copy"])).exit).toEqual([0, null])
    writeFileSync(at("copy", "mine"), "kept")
    const twice = await run(["backup", "copy"])
    expect(twice.exit).toEqual([1, null])
    expect(twice.stderr).toMatch(/^parley: copy is there already: .*nothing is overwritten\n$/)
    expect(readdirSync(at("copy"))).toContain("mine")

    const owned = await run(["restore", "copy"])
    expect(owned.exit).toEqual([1, null])
    expect(owned.stderr).toContain("in use by another process")
    await started.stop()
    const before = readFileSync(at("data", "journal.db"))
    const full = await run(["restore", "copy"])
    expect(full.exit).toEqual([1, null])
    expect(full.stderr).toMatch(/^parley: DATA_DIR: \.\/data holds .*journal\.db.*nothing is overwritten\n$/)
    expect(readFileSync(at("data", "journal.db"))).toEqual(before)
  })

  it("that is none, or damaged, is not restored, and what there is not cannot be backed up", async () => {
    expect((await run(["backup", "copy"])).stderr).toContain("there is nothing to back up")
    expect((await run(["restore", "copy"])).stderr).toContain("copy is no backup")
    await (await server.up(env)).stop()
    expect((await run(["backup", "copy"])).exit).toEqual([0, null])
    const people = readFileSync(at("copy", "people.db"))
    people.fill(0xff, 4096 + 8, 4096 * 3)
    writeFileSync(at("copy", "people.db"), people)
    const damaged = await run(["restore", "copy"], { DATA_DIR: "./elsewhere" })
    expect(damaged.exit).toEqual([1, null])
    expect(damaged.stderr).toMatch(/^parley: /)
    expect(existsSync(at("elsewhere", "people.db"))).toBe(false)
    expect(existsSync(at("elsewhere", "journal.db"))).toBe(false)
  })

  it("is taken again where a restore was stopped half-way", async () => {
    await (await server.up(env)).stop()
    expect((await run(["backup", "copy"])).exit).toEqual([0, null])
    expect((await run(["restore", "copy"], { DATA_DIR: "./half" })).exit).toEqual([0, null])
    for (const file of ["journal.db", "people.db"]) {
      copyFileSync(at("half", file), at("half", `${file}.restoring`))
    }
    for (const file of ["journal.db", "people.db"]) rmSync(at("half", file))
    expect((await run(["restore", "copy"], { DATA_DIR: "./half" })).exit).toEqual([0, null])
    expect(readdirSync(at("half")).filter((name) => name.includes("restoring"))).toEqual([])
  })
})

await onEachStores("an operator who resets a password", (stores) => {
  const server = new ServerProcess(stores)
  afterEach(() => server.remove())

  it("lets the new one in and nothing older, beside a running server, whose sockets hear of it", async () => {
    const { socketUrl, url } = await server.up(env)
    const api = new ApiClient(url)
    const { token, username } = await api.somebody("somebody1")
    const client = await ChatClient.connect(socketUrl, { headers: bearer(token) })
    await client.settled()
    const command = await server.start(env, ["user", "reset-password", username])
    expect(await command.exit).toEqual([0, null])
    expect(command.stderr).toBe("")
    const [, password] = /^The new password of somebody1 is (\S{20}) {2}\(sessions ended: 1;/.exec(command.stdout) ?? []
    expect((await client.closed).code).toBe(4502)
    expect((await api.history(token)).status).toBe(401)
    expect((await api.login(username)).status).toBe(401)
    expect((await api.login(username, { password })).status).toBe(200)
    const unknown = await server.start(env, ["user", "reset-password", "nobody-here"])
    expect(await unknown.exit).toEqual([1, null])
    expect(unknown.stderr).toBe('parley: there is no account "nobody-here"\n')
    expect(readFileSync(server.logFile, "utf8")).not.toContain(String(password))
  })
})

describe("a signing secret", () => {
  it("is changed without logging anybody out", async () => {
    const server = new ServerProcess()
    try {
      const first = await server.up(env)
      const { refreshToken, token } = await new ApiClient(first.url).somebody("somebody1")
      await first.stop()
      const changed = { ...env, JWT_SECRET: "another secret, of more than 32 bytes, too", JWT_SECRET_PREVIOUS: secret }
      const second = await server.up(changed)
      const api = new ApiClient(second.url)
      expect((await api.history(token)).status).toBe(200)
      const pair = await api.refresh(refreshToken)
      expect(pair.status).toBe(200)
      await second.stop()
      // Then the old one is forgotten.
      const third = await server.up({ ...changed, JWT_SECRET_PREVIOUS: "" })
      const last = new ApiClient(third.url)
      expect((await last.history(String(pair.json["token"]))).status).toBe(200)
      expect((await last.history(token)).status).toBe(401)
    } finally {
      await server.remove()
    }
  })
})
