import { readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer, password } from "../support/ApiClient.ts"
import { ChatClient, HandshakeRefused } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { claimsOf, forge } from "./ForgedToken.ts"

/** Each is a defect that the original application had when it was run. */
await onEachStores("a defect of the original application", (stores) => {
  const server = new ServerProcess(stores)
  const dataDir = join(server.directory, "data")
  let started: Started
  let api: ApiClient
  const start = async () => {
    started = await server.up(unlimited)
    api = new ApiClient(started.url)
  }
  beforeAll(() => start())
  afterAll(() => server.remove())

  const connect = (options: object = {}) => ChatClient.connect(started.socketUrl, options)

  it("1: every message of every sender is broadcast, however many there were before", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect({ room: "one", since: 0 })))
    for (let round = 0; round < 10; round++) clients.forEach((client, n) => client.say(`${round} of ${n}`))
    await Promise.all(clients.map((client) => client.until(() => client.frames.length === 50)))
    for (const client of clients) {
      expect(new Set(client.messages.map(({ message }) => message)).size).toBe(50)
    }
  })

  it("2: a hundred clients that connect, talk and leave at once do not end the process", async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => connect({ room: "two" })))
    for (const client of clients) client.say("hello")
    await Promise.all(clients.map((client, n) => (n % 2 === 0 ? client.close() : client.delivered("hello"))))
    expect(started.child.exitCode).toBeNull()
    expect((await api.call("GET", "/readyz")).status).toBe(200)
  })

  it("3: nobody speaks under another's name; the page runs no script from a message; its refresh token is out of every script's reach", async () => {
    const { token } = await api.somebody("defect3")
    const reader = await connect({ room: "three", since: 0 })
    const account = await connect({ room: "three", headers: bearer(token) })
    account.say("<img src=x onerror=alert(1)>", { from: "somebody else" })
    expect(await reader.delivered("<img src=x onerror=alert(1)>")).toMatchObject({ from: "defect3" })
    expect(await reader.answerTo({ from: "defect3", message: "it was me" })).toMatchObject({
      error: { code: "name_taken", retryable: false }
    })
    const policy = (await api.call("GET", "/")).headers.get("content-security-policy") ?? ""
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).toMatch(/^'self' 'sha256-[^' ]+'$/)
    const login = await api.call("POST", "/api/user/v1/login", {
      body: { username: "defect3", password },
      headers: { "x-parley-page": "1" }
    })
    expect(login.json).not.toHaveProperty("refresh_token")
    expect(login.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/)
  })

  it("4: refresh gives a pair that lives and ends the old one; no header of a request makes a token for somebody else", async () => {
    await api.register("victim4")
    const { refreshToken, token } = await api.somebody("defect4")
    const forging = { username: "victim4", full_name: "victim4", "x-username": "victim4", user: "victim4" }
    const { json, status } = await api.refresh(refreshToken, forging)
    expect(status).toBe(200)
    const [newToken, newRefreshToken] = [String(json["token"]), String(json["refresh_token"])]
    expect(claimsOf(newToken)).toMatchObject({ username: "defect4" })
    expect((await api.history(newToken)).status).toBe(200)
    // The new pair was used: the old one is dead.
    expect((await api.history(token)).status).toBe(401)
    expect((await api.refresh(newRefreshToken)).status).toBe(200)
  })

  it("5: the secret is never empty, tokens signed with an empty one are refused, and no token is stored as it is", async () => {
    for (const secretFile of stores.isEmbedded ? [join(dataDir, "jwt-secret")] : []) {
      expect(readFileSync(secretFile).length).toBeGreaterThanOrEqual(32)
      expect(statSync(secretFile).mode & 0o777).toBe(0o600)
    }
    const { refreshToken, token } = await api.somebody("defect5")
    for (const forged of [forge(token, { key: "" }), forge(token, { header: { alg: "none" } })]) {
      expect((await api.history(forged)).status).toBe(401)
    }
    await api.refresh(refreshToken)
    const { people } = await server.stores
    const sessions = await people("select * from user_sessions")
    expect(sessions.length).toBeGreaterThan(0)
    const files = [
      server.logFile,
      ...(stores.isEmbedded ? readdirSync(dataDir).map((name) => join(dataDir, name)) : [])
    ]
    const kept = [JSON.stringify(sessions), ...files.map((file) => readFileSync(file))]
    for (const secret of [token, refreshToken]) {
      const signature = secret.slice(secret.lastIndexOf(".") + 1)
      expect(kept.map((bytes) => bytes.includes(signature))).toEqual(kept.map(() => false))
    }
  })

  it("6: whoever has the longest full name logs in", async () => {
    expect((await api.register("defect6", { full_name: "𝒜".repeat(100) })).status).toBe(201)
    const { token } = await api.loggedIn("defect6")
    expect((await api.history(token)).status).toBe(200)
    expect((await api.register("defect6b", { full_name: "a".repeat(101) })).status).toBe(422)
  })

  it("7: a password over 72 bytes is refused, one of 72 bytes counts to its last", async () => {
    const longest = `${"ä".repeat(35)}12`
    expect(Buffer.byteLength(longest)).toBe(72)
    expect((await api.register("defect7", { password: `${longest}3` })).status).toBe(422)
    expect((await api.register("defect7", { password: longest })).status).toBe(201)
    expect((await api.login("defect7", { password: longest })).status).toBe(200)
    for (const wrong of [`${longest}3`, `${longest.slice(0, -1)}3`]) {
      expect((await api.login("defect7", { password: wrong })).status).toBe(401)
    }
  })

  it("8: a client decides neither id nor created_at", async () => {
    const { json, status } = await api.register("defect8", { id: 4711, created_at: "1999-12-31T00:00:00Z" })
    expect(status).toBe(422)
    expect(JSON.stringify(json["errors"])).toMatch(/"\/?(body\/)?id".*created_at/)
    expect((await api.login("defect8")).status).toBe(401)
  })

  it("9: an unknown user and a wrong password are one answer, a duplicate is 409, and no library speaks in a reply", async () => {
    await api.register("defect9")
    const anonymous = async (reply: ReturnType<ApiClient["login"]>) => {
      const { json, status } = await reply
      return { status, ...json, instance: undefined, trace_id: undefined }
    }
    const unknown = await anonymous(api.login("nobody-is-called-so"))
    expect(unknown.status).toBe(401)
    expect(await anonymous(api.login("defect9", { password: "wrong password" }))).toEqual(unknown)
    const replies = [await api.register("defect9"), await api.register("'", {}), await api.login("'", { password: 1 })]
    expect(replies.map(({ status }) => status)).toEqual([409, 422, 422])
    for (const { text } of replies) expect(text).not.toMatch(/sqlite|mongo|constraint|sql|schema|effect|at \//i)
  })

  it("10: tokens are looked up by index, sessions belong to users that exist, expired ones are purged", async () => {
    const { username } = await api.somebody("defect10")
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    const { people } = await server.stores
    const count = async (where: string) =>
      Number((await people(`select count(*) as n from user_sessions where ${where}`))[0]?.["n"])
    const [session] = await people("select token from user_sessions")
    const plan = await people(
      `${stores.explain} select * from user_sessions where token = '${String(session?.["token"])}'`
    )
    expect(JSON.stringify(plan)).toMatch(/USING INDEX|"type":"const"/)
    await expect(people("update user_sessions set user_id = 4711")).rejects.toThrow(/foreign key/i)
    // They have expired, without a wait.
    expect(await count("true")).toBeGreaterThan(0)
    await people("update user_sessions set refresh_token_expired = created_at, token_expired = created_at")
    await start()
    // The purge of the start is before whatever is asked later.
    await api.loggedIn(username)
    expect(await count("refresh_token_expired = created_at")).toBe(0)
    expect(await count("true")).toBe(1)
  })

  it("11: history is bounded and sorted, and empty where there is none", async () => {
    const { token } = await api.somebody("defect11")
    expect((await api.history(token, "?room=eleven")).text).toBe("[]")
    const client = await connect({ room: "eleven" })
    for (let n = 1; n <= 150; n++) client.say(`message ${n}`)
    await client.delivered("message 150")
    const { text } = await api.history(token, "?room=eleven")
    const said = (JSON.parse(text) as ReadonlyArray<{ readonly message: string }>).map(({ message }) => message)
    expect(said).toEqual(Array.from({ length: 100 }, (_, index) => `message ${index + 51}`))
    expect((await api.history(token, "?limit=1001")).status).toBe(422)
  })

  it("12: logins of one second have tokens of their own, and the end of one leaves the others", async () => {
    await api.register("defect12")
    const logins = await Promise.all(Array.from({ length: 4 }, () => api.loggedIn("defect12")))
    const tokens = logins.map(({ token }) => token)
    expect(new Set(tokens).size).toBe(4)
    expect((await api.logout(tokens[0] ?? "")).status).toBe(204)
    const after = await Promise.all(tokens.map((token) => api.history(token)))
    expect(after.map(({ status }) => status)).toEqual([401, 200, 200, 200])
  })

  it("13: TESTUSER is not testuser", async () => {
    await api.register("testuser")
    expect((await api.login("TESTUSER")).status).toBe(401)
    expect((await api.register("TESTUSER", { password: "another password" })).status).toBe(201)
    expect((await api.login("TESTUSER")).status).toBe(401)
    expect((await api.login("testuser")).status).toBe(200)
  })

  it("14: bad JSON is answered and the socket stays, a frame past every bound is answered with 1009, and who does not read stalls nobody", async () => {
    const client = await connect({ room: "fourteen", since: 0 })
    expect(await client.answerTo("no JSON")).toMatchObject({ error: { code: "bad_frame", retryable: false } })
    const large = await connect({ room: "fourteen" })
    large.send("x".repeat(70_000))
    expect((await large.closed).code).toBe(1009)
    const stalled = await connect({ room: "fourteen", since: 0 })
    stalled.socket.pause()
    const text = "x".repeat(10_000)
    for (let n = 1; n <= 1_000; n++) client.say(`${n} ${text}`)
    await client.until(() => client.messages.length === 1_000)
    stalled.socket.terminate()
  })

  it("15: logout closes the session's sockets, a foreign Origin is refused, a stop says goodbye", async () => {
    const { token } = await api.somebody("defect15")
    const client = await connect({ headers: bearer(token) })
    await client.settled()
    await api.logout(token)
    expect((await client.closed).code).toBe(4502)
    const foreign = connect({ headers: { origin: "https://evil.example" } })
    await expect(foreign).rejects.toEqual(new HandshakeRefused(403))
    const guest = await connect()
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect((await guest.closed).code).toBe(1012)
    await start()
  })

  it("16: the log is one JSON object a line, and a restart adds to it and changes no line (what ships it is not built yet)", async () => {
    await api.somebody("defect16")
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    const before = readFileSync(server.logFile, "utf8")
    await start()
    await api.loggedIn("defect16")
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    const after = readFileSync(server.logFile, "utf8")
    expect(after.startsWith(before)).toBe(true)
    const lines = after
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const added = lines.slice(before.trimEnd().split("\n").length).map(({ message }) => message)
    expect(added).toEqual(["listening", "request", "stopping"])
    for (const line of lines) {
      expect(line).toMatchObject({ "@timestamp": expect.any(String), "log.level": expect.any(String) })
    }
  })
})
