import { readFileSync } from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { endAmidAFlood } from "../support/AmidAFlood.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { launchChromium, noChromium } from "../support/Chromium.ts"
import { frameOf, RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { DiskFault, noStrace } from "../support/Strace.ts"
import { forge, secret } from "./ForgedToken.ts"
import { sessionOfEverything } from "./SessionOfEverything.ts"

/** The holes that chat servers are known for. Each is tried on a server process from outside. */
await onEachStores("hole", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let api: ApiClient
  let neighbours: ReadonlyArray<ChatClient>
  beforeAll(async () => {
    started = await server.up({ ...unlimited, JWT_SECRET: secret, ALLOWED_ORIGINS: "https://chat.example" })
    api = new ApiClient(started.url)
    neighbours = await Promise.all([connect({ room: "neighbours" }), connect({ room: "neighbours" })])
  })
  afterAll(() => server.remove())

  const connect = (options: object = {}) => ChatClient.connect(started.socketUrl, { since: 0, ...options })
  let rounds = 0
  /** Two others chat on, on the same process, and nobody else's message is among theirs. */
  const chatOn = async () => {
    const text = `round ${(rounds += 1)}`
    neighbours[0]?.say(text)
    for (const client of neighbours) expect((await client.delivered(text)).seq).toBe(rounds)
    expect(started.child.exitCode).toBeNull()
  }
  const rssBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${started.pid}/status`, "utf8"))?.[1]) * 1024

  it("1: an unmasked frame ends its own connection, not the process", async () => {
    const raw = await RawSocket.handshake(started.socketUrl)
    await raw.write(frameOf('{"from":"visitor","message":"unmasked"}', { masked: false }))
    await raw.until(() => raw.closeCode !== undefined)
    expect(raw.closeCode).toBe(1002)
    raw.socket.destroy()
    await chatOn()
  })

  it.each([
    "https://evil.example",
    "null",
    "",
    "http://localhost.evil.example",
    "http://evil-localhost",
    "http://localhost@evil.example",
    "http://evil.example/localhost",
    "http://127.0.0.1.nip.io",
    "http://chat.example",
    "https://chat.example:8443",
    "https://sub.chat.example",
    "https://chat.example.evil.example",
    "file://"
  ])("2: the foreign, null or look-alike Origin %j gets no socket but 403", async (origin) => {
    const raw = await RawSocket.handshake(started.socketUrl, { Origin: origin })
    expect(raw.status).toBe(403)
    raw.socket.destroy()
  })

  it("3: no socket outlives its logout, and not a byte of a flood comes after the reply", async () => {
    const partings = async function* () {
      for (let round = 0; round < 5; round++) {
        const { token, username } = await api.somebody(`hole3-${round}`)
        const { token: other } = await api.loggedIn(username)
        yield { token, other, staying: other }
      }
    }
    const { socketUrl } = started
    await endAmidAFlood({ api, room: "flood", socketUrl }, partings(), (token) => api.logout(token))
  })

  it("4: after a session of everything no token, password or message stands in the log or on the terminal, and nothing splits a line", async () => {
    const talkative = new ServerProcess(stores)
    try {
      const process = await talkative.up({ LOG_LEVEL: "trace", LOGINS_PER_MINUTE: "0", RATE_LIMIT_PER_MINUTE: "0" })
      const secrets = await sessionOfEverything(process)
      expect(await process.stop("SIGTERM")).toEqual([0, null])
      const log = readFileSync(talkative.logFile, "utf8")
      for (const [place, text] of Object.entries({ log, stdout: process.stdout, stderr: process.stderr })) {
        for (const hidden of secrets) {
          expect(hidden).not.toBe("")
          // A token's signature is its secret.
          const telling = hidden.split(".").at(-1) ?? hidden
          expect(text.includes(telling) ? `${place} holds ${hidden}` : "").toBe("")
        }
      }
      for (const line of log.trimEnd().split("\n")) {
        const record = JSON.parse(line) as Record<string, unknown>
        expect(record["log.level"]).not.toBe("fatal")
      }
      for (const line of process.stdout.trimEnd().split("\n")) {
        expect(line).toMatch(/^(\d\d:\d\d:\d\d (TRACE|DEBUG|INFO|WARN|ERROR) |Parley is ready: )/)
      }
      expect(log).toContain('"message":"request"')
    } finally {
      await talkative.remove()
    }
  })

  it("5: a token without signature, with another algorithm, type or end, or with a key of its own is none, at every door", async () => {
    const { refreshToken, token } = await api.somebody("hole5-user")
    const forged: Readonly<Record<string, string>> = {
      none: forge(token, { header: { alg: "none" } }),
      "none with a signature": forge(token, { header: { alg: "none" }, key: secret }),
      "another algorithm": forge(token, { header: { alg: "HS512" }, key: secret }),
      "an asymmetric one": forge(token, { header: { alg: "RS256" }, key: secret }),
      "a refresh token": refreshToken,
      "another type": forge(token, { header: { typ: "JWT" }, key: secret }),
      "no exp": forge(token, { claims: { exp: undefined }, key: secret }),
      "an exp that is no number": forge(token, { claims: { exp: "tomorrow" }, key: secret }),
      jku: forge(token, { header: { jku: "http://127.0.0.1:1/" }, key: "" }),
      "a kid that is a path": forge(token, { header: { kid: "../../../dev/null" }, key: "" }),
      "a kid that is SQL": forge(token, { header: { kid: "' union select 'x' --" }, key: "x" }),
      "a jwk of its own": forge(token, { header: { jwk: { kty: "oct", k: "eA" } }, key: "x" }),
      "another key": forge(token, { key: "somebody else's secret of 32 bytes" })
    }
    for (const [what, bad] of Object.entries(forged)) {
      expect([what, (await api.history(bad)).status]).toEqual([what, 401])
      expect([what, (await api.logout(bad)).status]).toEqual([what, 401])
      expect([what, (await api.refresh(bad === refreshToken ? token : bad)).status]).toEqual([what, 401])
      const client = await connect({ headers: bearer(bad) })
      expect([what, (await client.closed).code]).toEqual([what, 4500])
      expect(client.messages).toEqual([])
    }
    // Whatever was tried did not touch the session.
    expect((await api.history(token)).status).toBe(200)
  })

  it("6: a refresh token that is replayed after its rotation ends the session with all its sockets", async () => {
    const { refreshToken } = await api.somebody("hole6-user")
    const first = await api.refresh(refreshToken)
    const token = String(first.json["token"])
    const client = await connect({ headers: bearer(token) })
    await client.settled()
    expect((await api.refresh(refreshToken)).status).toBe(401)
    expect((await client.closed).code).toBe(4502)
    expect((await api.history(token)).status).toBe(401)
    expect((await api.refresh(String(first.json["refresh_token"]))).status).toBe(401)
  })

  it("7: seq, room, date and from of a client are not believed", async () => {
    const { token } = await api.somebody("hole7-user")
    const [account, guest] = [
      await connect({ room: "seven", headers: bearer(token) }),
      await connect({ room: "seven" })
    ]
    for (const claim of [{ seq: 99 }, { room: "elsewhere" }, { guest: false }, { service: true }, { ack: {} }]) {
      const answer = await account.answerTo({ from: "hole7-user", message: "claimed", ...claim })
      expect(answer.error).toMatchObject({ code: "bad_frame", retryable: false })
    }
    const before = Date.now()
    account.send({ from: "somebody else", message: "mine", date: "1999-12-31T00:00:00.000Z" })
    const { date, from, room, seq } = await guest.delivered("mine")
    expect({ from, room, seq }).toEqual({ from: "hole7-user", room: "seven", seq: 1 })
    expect(Date.parse(date)).toBeGreaterThanOrEqual(before)
    expect((await guest.answerTo({ from: "hole7-user", message: "me, too" })).error?.code).toBe("name_taken")
    expect((await guest.answerTo({ from: "system", message: "me, too" })).error?.code).toBe("name_reserved")
    await Promise.all([account.close(), guest.close()])
  })

  it("8: nobody reads a private room who is not its member, by any door, and none says anything of it", async () => {
    const { token } = await api.somebody("curious")
    for (const options of [
      {},
      { headers: bearer(token) },
      { protocols: ["bearer", token] },
      { history: 10, since: undefined },
      { since: 0 }
    ]) {
      const asked = Object.fromEntries(
        Object.entries({ room: "$secret", ...options }).filter(([, value]) => value !== undefined)
      )
      const client = await ChatClient.connect(started.socketUrl, asked)
      client.say("let me in")
      expect((await client.closed).code).toBe(4505)
      expect(client.frames.filter(({ seq }) => seq !== undefined)).toEqual([])
    }
    const late = await connect({ room: "$secret" })
    late.send({ type: "auth", token })
    expect((await late.closed).code).toBe(4505)
    const history = await api.history(token, "?room=$secret")
    expect([history.status, history.json["errors"]]).toEqual([403, undefined])
    const seen = await Promise.all(["/metrics", "/dashboard", "/readyz"].map((path) => api.call("GET", path)))
    for (const { text } of seen) expect(text).not.toContain("secret")
    expect(readFileSync(server.logFile, "utf8")).not.toContain("$secret")
  })

  it("9: no password is cut at 72 bytes: one that is longer is refused, one of 72 counts to its last byte", async () => {
    const longest = `${"ä".repeat(35)}12`
    expect(Buffer.byteLength(longest)).toBe(72)
    const tooLong = await api.register("hole9-user", { password: `${longest}3` })
    expect([tooLong.status, JSON.stringify(tooLong.json["errors"])]).toEqual([422, expect.stringContaining("72 bytes")])
    expect((await api.register("hole9-user", { password: longest })).status).toBe(201)
    expect((await api.login("hole9-user", { password: longest })).status).toBe(200)
    for (const wrong of [`${longest}3`, `${longest}${"x".repeat(100)}`, `${longest.slice(0, -1)}3`]) {
      expect((await api.login("hole9-user", { password: wrong })).status).toBe(401)
    }
  })

  it("10: a login tells nobody who has an account: an unknown user and a wrong password are the same bytes", async () => {
    await api.register("hole10-user")
    const shown = async (reply: ReturnType<ApiClient["login"]>) => {
      const { headers, status, text } = await reply
      const others = [...headers].filter(([name]) => !["date", "traceparent", "x-request-id"].includes(name))
      return { status, text: text.replace(/"(instance|trace_id)":"[^"]*"/g, ""), others: JSON.stringify(others) }
    }
    const wrong = await shown(api.login("hole10-user", { password: "wrong password" }))
    expect(wrong.status).toBe(401)
    for (const name of ["nobody-is-called", "'; drop table users", "", "x".repeat(1_000)]) {
      const unknown = await shown(api.login(name, { password: "wrong password" }))
      expect(name === "" || name.length > 900 ? { ...unknown, ...wrong } : unknown).toEqual(wrong)
    }
  })

  it("11: X-Forwarded-For and Forwarded, rotated 1,000 times, change no limit", async () => {
    const limited = new ServerProcess(stores)
    try {
      const { socketUrl, url } = await limited.up({ RATE_LIMIT_PER_MINUTE: "20", SOCKETS_PER_IP: "2" })
      const behind = new ApiClient(url)
      const sockets = await Promise.all([ChatClient.connect(socketUrl), ChatClient.connect(socketUrl)])
      const statuses: Array<number> = []
      const handshakes: Array<number> = []
      for (let n = 0; n < 1_000; n++) {
        const address = `10.0.${n >> 8}.${n & 255}`
        const headers = { "x-forwarded-for": address, forwarded: `for=${address}`, "x-real-ip": address }
        statuses.push((await behind.call("GET", "/api/message/v1/history", { headers })).status)
        if (n % 20 > 0) continue
        const raw = await RawSocket.handshake(socketUrl, headers)
        handshakes.push(raw.status)
        raw.socket.destroy()
      }
      expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(40)
      expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401))
      expect(new Set(handshakes)).toEqual(new Set([429]))
      await Promise.all(sockets.map((client) => client.close()))
    } finally {
      await limited.remove()
    }
  })

  it("12: neither 131,000 fragments, nor 10,000 pings whose pongs nobody reads, nor 2,100 headers make memory grow", async () => {
    const fragment = frameOf("x", { opcode: 0, fin: false })
    const fragments = Buffer.concat([frameOf("x", { fin: false }), ...Array.from({ length: 131_000 }, () => fragment)])
    const ping = frameOf("x".repeat(125), { opcode: 9 })
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping))
    const headers = Object.fromEntries(Array.from({ length: 2_100 }, (_, n) => [`X-${n}`, "x".repeat(100)]))
    const attack = async () => {
      const fragmented = await RawSocket.handshake(started.socketUrl)
      await fragmented.write(fragments)
      await fragmented.until(() => fragmented.closeCode !== undefined)
      expect(fragmented.closeCode).toBe(1008)
      const deaf = await RawSocket.handshake(started.socketUrl)
      deaf.socket.pause()
      void deaf.write(pings)
      const crowded = await RawSocket.handshake(started.socketUrl, headers)
      expect(crowded.status).toBe(431)
      await chatOn()
      return [fragmented, deaf, crowded]
    }
    // What a first round needs stays: code, buffers, a grown heap.
    const open = [...(await attack()), ...(await attack())]
    const before = rssBytes()
    for (let round = 0; round < 10; round++) open.push(...(await attack()))
    // A round brings 2.2 MB; kept, its fragments and pongs would be some 20 MB more, each round.
    expect(rssBytes() - before).toBeLessThan(60e6)
    for (const raw of open) raw.socket.destroy()
    await Promise.all(open.map(({ ended }) => ended))
  })

  // On MySQL and MongoDB: "MongoDB frozen" in Outages.test.ts, which has a MongoDB of its own to freeze.
  const onADisk = stores.isEmbedded ? it : () => {}
  onADisk(
    "13: nothing is acknowledged before it is stored: the disk frozen, no ack; thawed, exactly one copy",
    async (test) => {
      test.skip(noStrace !== undefined, noStrace)
      const [sender, witness] = [await connect({ room: "frozen" }), await connect({ room: "frozen" })]
      sender.say("before")
      await Promise.all([sender.delivered("before"), witness.delivered("before")])
      const fault = await DiskFault.inject(started.pid, "delay_enter=3600000000")
      sender.say("frozen", { id: "frozen" })
      // The server has read it and lives: it answers what needs no disk, and hears the same message again.
      await sender.settled()
      sender.say("frozen", { id: "frozen" })
      await sender.settled()
      await witness.settled()
      for (const { frames } of [sender, witness]) {
        expect(frames.filter(({ ack, seq }) => ack !== undefined || seq !== undefined)).toHaveLength(1)
      }
      await fault.remove()
      await Promise.all([sender.delivered("frozen"), witness.delivered("frozen")])
      witness.say("after")
      await Promise.all([sender.delivered("after"), witness.delivered("after")])
      const { token } = await api.somebody("hole13-user")
      const log = (await api.log(token, "frozen")).map(({ message, seq }) => [seq, message])
      expect(log).toEqual([
        [1, "before"],
        [2, "frozen"],
        [3, "after"]
      ])
      for (const { messages } of [sender, witness])
        expect(messages.map(({ message, seq }) => [seq, message])).toEqual(log)
      await Promise.all([sender.close(), witness.close()])
    }
  )

  it("14: no message is a script in the page, and its policy has no unsafe-inline", async (test) => {
    for (const path of ["/", "/chat"]) {
      const policy = (await api.call("GET", path)).headers.get("content-security-policy") ?? ""
      expect(/script-src ([^;]*)/.exec(policy)?.[1]).toMatch(/^'self' 'sha256-[^' ]+'$/)
      expect(policy).not.toMatch(/unsafe-inline|unsafe-eval/)
      expect(policy).toContain("require-trusted-types-for 'script'")
    }
    const attacks = [
      "<img src=x onerror=window.hacked=true>",
      "<script>window.hacked=true</script>",
      "javascript:window.hacked=true",
      '"><svg onload=window.hacked=true>'
    ]
    const attacker = await connect()
    for (const text of attacks) attacker.say(text, { from: '<b onmouseover="window.hacked=true">' })
    await attacker.delivered(attacks.at(-1) ?? "")
    const { token } = await api.somebody("hole14-user")
    const history = await api.history(token)
    expect(history.headers.get("content-type")).toMatch(/^application\/json/)
    expect(history.headers.get("x-content-type-options")).toBe("nosniff")
    test.skip(noChromium !== undefined, noChromium)
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(started.url)
      const log = page.getByRole("region", { name: "Messages in #lobby" })
      for (const text of attacks) await log.getByText(text, { exact: true }).waitFor()
      // What came while it was open is written as what stood there before.
      attacker.say(`${attacks[0]} live`)
      await log.getByText(`${attacks[0]} live`, { exact: true }).waitFor()
      expect(await log.locator("img, script, svg, b").count()).toBe(0)
      expect(await page.evaluate("window.hacked")).toBeUndefined()
    } finally {
      await browser.close()
      await attacker.close()
    }
  })

  it("15: __proto__, depth 10,000, 1e400 and lone surrogates are a typed error, at both doors", async () => {
    const depth = 5_000
    const hostile: Readonly<Record<string, string>> = {
      __proto__: '{"A":"visitor","B":"hello","__proto__":{"admin":true}}',
      constructor: '{"A":"visitor","B":"hello","constructor":{"prototype":{}}}',
      "depth 10,000": `{"A":"visitor","B":"hello","x":${"[".repeat(depth)}${"]".repeat(depth)}}`,
      "a field of depth 10,000": `{"A":"visitor","B":${'{"a":'.repeat(2_500)}1${"}".repeat(2_500)}}`,
      "10,000 brackets": "[".repeat(2 * depth),
      "1e400": '{"A":"visitor","B":1e400}',
      "a field too many of 1e400": '{"A":"visitor","B":"hello","id2":1e400}',
      "a lone surrogate": '{"A":"visitor","B":"half \\ud83d of it"}',
      "a lone surrogate as a key": '{"A":"visitor","B":"hello","\\udc00":1}',
      "a NUL": '{"A":"visi\\u0000tor","B":"hel\\u0000lo"}'
    }
    const client = await connect({ room: "fifteen" })
    for (const [what, text] of Object.entries(hostile)) {
      const frame = text.replace('"A"', '"from"').replace('"B"', '"message"')
      const answer = await client.answerTo(frame)
      expect([what, answer.error]).toEqual([
        what,
        expect.objectContaining({ code: expect.any(String), retryable: false })
      ])
      expect(answer.message.length).toBeLessThan(500)
      for (const route of ["register", "login"]) {
        const fields = text.replace('"A"', '"username"').replace('"B"', '"password"')
        const response = await fetch(`${started.url}/api/user/v1/${route}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: fields
        })
        const problem = (await response.json()) as Record<string, unknown>
        expect([what, route, [400, 401, 422].includes(response.status)]).toEqual([what, route, true])
        expect(response.headers.get("content-type")).toBe("application/problem+json")
        expect(problem).toMatchObject({ status: response.status, type: expect.stringMatching(/^urn:parley:problem:/) })
      }
    }
    expect(client.messages).toEqual([])
    client.say("and a good one")
    expect((await client.delivered("and a good one")).seq).toBe(1)
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect(started.stderr).toBe("")
  })
})
