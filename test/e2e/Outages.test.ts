import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { onFerretDb } from "../servers/FerretDb.ts"
import { MariaDb, noMariaDbProcess } from "../servers/MariaDb.ts"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import type { ApiReply } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import type { ReceivedFrame } from "../support/ChatClient.ts"
import { lateProxy } from "../support/LateProxy.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { databasesOn } from "../support/Stores.ts"
import type { OwnStores, Stores } from "../support/Stores.ts"

const textsOf = (frames: ReadonlyArray<ReceivedFrame>) => frames.map(({ message, seq }) => [seq, message])

await onFerretDb("a server whose databases fail", (mongo) => {
  describe("a server whose databases fail", () => {
    const directory = mkdtempSync(join(tmpdir(), "parley-outages-"))
    let mysql: MariaDb
    const stores: Stores = {
      name: "MySQL and MongoDB",
      isEmbedded: false,
      explain: "explain",
      make: () => databasesOn(mysql.address, mongo.uri)
    }
    const server = new ServerProcess(stores)
    let started: Started
    let api: ApiClient
    beforeAll(async () => {
      if (noMariaDbProcess !== undefined) return
      mysql = await MariaDb.create(directory, process.pid)
      started = await server.up(unlimited)
      api = new ApiClient(started.url)
    })
    afterAll(async () => {
      await server.remove()
      await mysql?.remove(directory)
    })
    beforeEach((test) => test.skip(noMariaDbProcess !== undefined, noMariaDbProcess))

    const connect = (room: string, options: object = {}) =>
      ChatClient.connect(started.socketUrl, { room, since: 0, ...options })
    const readyz = async (isIt: (reply: ApiReply) => boolean): Promise<ApiReply> => {
      for (;;) {
        const reply = await api.call("GET", "/readyz")
        if (isIt(reply)) return reply
      }
    }
    const ready = () => readyz(({ status }) => status === 200)
    /** It tells which dependency is missing, and no other. */
    const missing = async (check: string) => {
      const { json } = await readyz(({ status, text }) => status === 503 && text.includes(`"${check}"`))
      expect(json["problems"]).toEqual([{ check, problem: expect.stringMatching(/^.{5,}$/) }])
    }
    /** Of the same process from the first test to the last. */
    const stillTheSame = () => expect(started.child.exitCode).toBeNull()

    it("MySQL stopped: register, log in and log out are 503 with Retry-After, who is connected chats on, a guest's name is not believed; back, everything works without a restart", async () => {
      const { token } = await api.somebody("lovelace")
      const ada = await connect("mysql", { headers: bearer(token) })
      const witness = await connect("mysql")
      ada.say("before")
      await witness.delivered("before")
      await mysql.stop()
      const replies = [await api.register("newcomer"), await api.login("lovelace"), await api.logout(token)]
      for (const { headers, json, status, text } of replies) {
        expect([status, json["title"]]).toEqual([503, "Not available at the moment"])
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
        expect(text).not.toMatch(/mysql|mariadb|ECONN|127\.0\.0\.1/i)
      }
      ada.say("amid")
      await Promise.all([ada.delivered("amid"), witness.delivered("amid")])
      expect(await witness.answerTo({ from: "unheard of", message: "hello" })).toMatchObject({
        error: { retryable: true }
      })
      await missing("users")
      await mysql.start()
      await ready()
      expect((await api.register("newcomer")).status).toBe(201)
      expect((await api.login("lovelace")).status).toBe(200)
      witness.say("after", { from: "unheard of" })
      await ada.delivered("after")
      expect((await api.logout(token)).status).toBe(204)
      expect((await ada.closed).code).toBe(4502)
      expect(textsOf(witness.messages)).toEqual([
        [1, "before"],
        [2, "amid"],
        [3, "after"]
      ])
      stillTheSame()
    })

    it("MongoDB killed: senders hear that they may try again, nobody sees what is not stored, the sockets stay; back, everything works without a restart", async () => {
      const { token } = await api.somebody("bobbob")
      const [sender, witness] = await Promise.all([connect("mongo"), connect("mongo")])
      sender.say("before", { id: "before" })
      await Promise.all([sender.delivered("before"), witness.delivered("before")])
      await mongo.kill()
      const answer = await sender.answerTo({ from: "visitor", message: "amid", id: "amid" })
      expect(answer.error).toMatchObject({ retryable: true, id: "amid" })
      await missing("journal")
      // People are elsewhere.
      expect((await api.login("bobbob")).status).toBe(200)
      // Nobody spoke there for a while: it is not known what there is.
      expect((await api.history(token, "?room=another")).status).toBe(503)
      expect([textsOf(sender.messages), textsOf(witness.messages)]).toEqual([[[1, "before"]], [[1, "before"]]])
      await mongo.start()
      await ready()
      const heard = sender.frames.length
      sender.say("amid", { id: "amid" })
      await sender.until(() => sender.frames.slice(heard).some(({ ack, id }) => id === "amid" || ack?.id === "amid"))
      witness.say("after")
      await Promise.all([sender.delivered("after"), witness.delivered("after")])
      const all = [
        [1, "before"],
        [2, "amid"],
        [3, "after"]
      ]
      expect([textsOf(sender.messages), textsOf(witness.messages)]).toEqual([all, all])
      expect(textsOf(await api.log(token, "mongo"))).toEqual(all)
      stillTheSame()
    })

    it.each([
      { what: "with an id", fields: { id: "frozen" } },
      { what: "without one", fields: {} }
    ])(
      "MongoDB frozen: nothing is acknowledged, and who comes meanwhile may try again; thawed, what was sent $what is there exactly once",
      async ({ fields, what }) => {
        const room = what.replaceAll(" ", "-")
        const [sender, other, witness] = await Promise.all([connect(room), connect(room), connect(room)])
        sender.say("before")
        await Promise.all([sender.delivered("before"), witness.delivered("before")])
        await mongo.freeze()
        try {
          sender.say("on its way", fields)
          // Not known yet, and told so.
          expect((await sender.frame(({ error }) => error !== undefined)).error?.code).toBe("outcome_unknown")
          expect((await other.answerTo({ from: "other", message: "behind it" })).error).toMatchObject({
            code: "unavailable",
            retryable: true
          })
          for (const { messages } of [sender, witness]) expect(textsOf(messages)).toEqual([[1, "before"]])
        } finally {
          mongo.thaw()
        }
        await Promise.all([sender.delivered("on its way"), witness.delivered("on its way")])
        await ready()
        other.say("behind it")
        await Promise.all([sender.delivered("behind it"), witness.delivered("behind it")])
        const all = [
          [1, "before"],
          [2, "on its way"],
          [3, "behind it"]
        ]
        for (const { messages } of [sender, witness]) expect(textsOf(messages)).toEqual(all)
        const { token } = await api.somebody(`reader-${room}`)
        expect(textsOf(await api.log(token, room))).toEqual(all)
        stillTheSame()
      }
    )

    it("an insert that lands after its time: one copy", async () => {
      const late = new ServerProcess()
      const own: OwnStores = await stores.make(late.directory)
      const test = Effect.gen(function* () {
        const proxy = yield* lateProxy(mongo.port)
        yield* Effect.promise(async () => {
          const uri = own.env["MONGODB_URI"] ?? ""
          const MONGODB_URI = uri.replace(`:${mongo.port}/`, `:${proxy.port}/`)
          expect(MONGODB_URI).not.toBe(uri)
          const { socketUrl, url } = await late.up({ ...unlimited, ...own.env, MONGODB_URI })
          const client = await ChatClient.connect(socketUrl, { room: "late", since: 0 })
          client.say("before")
          await client.delivered("before")
          const held = proxy.holdNext("lands late")
          client.say("lands late")
          await held.stuck
          // Told before anything is known; then sent again, on another connection, by the server itself.
          expect((await client.frame(({ error }) => error !== undefined)).error?.code).toBe("outcome_unknown")
          await client.delivered("lands late")
          await held.deliver()
          client.say("after")
          await client.delivered("after")
          const all = [
            [1, "before"],
            [2, "lands late"],
            [3, "after"]
          ]
          expect(textsOf(client.messages)).toEqual(all)
          const { token } = await new ApiClient(url).somebody("reader")
          expect(textsOf(await new ApiClient(url).log(token, "late"))).toEqual(all)
        })
      })
      try {
        await Effect.runPromise(Effect.scoped(test))
      } finally {
        await late.remove()
        await own.remove()
      }
    })

    it("both killed (-9) and restarted in a flood: no socket ends, nothing that was acknowledged is lost, everybody saw one order", async () => {
      const { token } = await api.somebody("reader")
      const clients = await Promise.all(Array.from({ length: 5 }, () => connect("flood")))
      const [watcher, ...senders] = clients
      const enough = new AbortController()
      // Each has 8 messages on their way, and sends again, with its id, what was refused or is not known.
      const flood = (client: ChatClient, name: string): void => {
        let next = 0
        const send = (id: string): void => client.say(`of ${id}`, { from: name, id })
        const say = (): void => void (enough.signal.aborted || send(`${name}-${(next += 1)}`))
        client.each(({ ack, error, from }) => {
          if (from === name || ack !== undefined) say()
          if (error?.id !== undefined) setTimeout(() => send(error.id ?? ""), error.retryAfterMs ?? 0)
        })
        for (let inFlight = 0; inFlight < 8; inFlight++) say()
      }
      senders.forEach((client, index) => flood(client, `talker${index}`))
      const goesOn = async () => {
        const before = watcher?.messages.length ?? 0
        await watcher?.until(() => watcher.messages.length > before + 500)
      }
      await goesOn()
      for (const outage of [mongo, mysql, mongo]) {
        await outage.kill()
        await outage.start()
        await goesOn()
      }
      enough.abort()
      await ready()
      // All that was sent is settled when no id is owed an answer.
      const settled = (client: ChatClient): boolean => {
        const known = new Set(client.frames.flatMap(({ ack, id }) => [ack?.id, id]))
        return client.frames.every(({ error }) => error?.id === undefined || known.has(error.id))
      }
      await Promise.all(senders.map((client) => client.until(() => settled(client))))
      watcher?.say("the last", { from: "watcher" })
      await Promise.all(clients.map((client) => client.delivered("the last")))
      const log = await api.log(token, "flood")
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
      expect(new Set(log.map(({ id }) => id)).size).toBe(log.length)
      const refusals = senders.flatMap(({ frames }) => frames.filter(({ error }) => error !== undefined))
      expect(refusals.length).toBeGreaterThan(0)
      for (const { frames, messages } of clients) {
        expect(messages.map(({ id, seq }) => [seq, id])).toEqual(log.map(({ id, seq }) => [seq, id]))
        const acks = frames.flatMap(({ ack }) => (ack === undefined ? [] : [ack]))
        for (const { id, seq } of acks) expect(log[seq - 1]?.id).toBe(id)
      }
      stillTheSame()
    })
  })
})
