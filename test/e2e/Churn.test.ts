import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

const clients = 200
/** Of them: those that come once and stay. */
const staying = 20
const rooms = 4
/** How long people come and go. More finds more: 30 seconds and up before a release. */
const seconds = Number(process.env["CHURN_SECONDS"] ?? 4)
/** Says what chance does; a failure names it. */
const seed = Number(process.env["CHURN_SEED"] ?? Date.now() % 1_000_000)

/** mulberry32: 0 ≤ x < 1. */
const chance = (start: number): (() => number) => {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

await onEachStores(`200 clients that come and go at random (CHURN_SEED=${seed})`, (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up(unlimited)
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  /** Counts what a client gets of its room: position after position, from where it began. */
  const counting = (client: ChatClient, from: number) => {
    const seen = { last: from, faults: [] as Array<string> }
    client.each(({ error, seq }) => {
      if (error !== undefined) seen.faults.push(error.code)
      else if (seq !== seen.last + 1) seen.faults.push(`${seq} after ${seen.last}`)
      seen.last = seq ?? seen.last
      client.frames.length = 0
    })
    return seen
  }

  it(
    `${seconds} seconds: no crash, no socket left behind, and nobody misses a message, neither who stays nor who comes back`,
    async () => {
      const random = chance(seed)
      const roomOf = (n: number) => `churn-${n % rooms}`
      const connect = (n: number, since: number) => ChatClient.connect(started.socketUrl, { room: roomOf(n), since })
      const until = performance.now() + seconds * 1_000
      const heads = Array.from({ length: rooms }, () => 0)
      let connects = 0
      let sent = 0

      const stay = await Promise.all(
        Array.from({ length: staying }, async (_, n) => {
          const client = await connect(n, 0)
          return { client, seen: counting(client, 0), n }
        })
      )

      /** One that comes, talks, and leaves in some way, again and again, each time from its last position. */
      const comeAndGo = async (n: number) => {
        let last = 0
        while (performance.now() < until) {
          const client = await connect(n, last)
          connects++
          const seen = counting(client, last)
          const say = Math.floor(random() * 3)
          for (let count = 0; count < say; count++) {
            client.say(`from ${n}`)
            sent++
          }
          // Some leave at once, some when they got something.
          const wanted = random() < 0.3 ? last : last + Math.floor(random() * 30)
          while (seen.last < wanted && performance.now() < until) await new Promise((done) => setTimeout(done, 5))
          if (random() < 0.5) client.socket.terminate()
          await client.close()
          last = seen.last
          if (seen.faults.length > 0) throw new Error(`client ${n}: ${seen.faults.join(", ")}`)
        }
      }
      await Promise.all(Array.from({ length: clients - staying }, (_, n) => comeAndGo(n)))

      // Who was cut may have been unheard: the room says what it holds when one more message has come.
      for (const { client, n } of stay.slice(0, rooms)) {
        client.say("the last", { from: "last one" })
        const { token } = await api.somebody(`reader-${n}`)
        let log = await api.log(token, roomOf(n))
        while (log.at(-1)?.message !== "the last") log = await api.log(token, roomOf(n))
        expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
        heads[n % rooms] = log.length
      }
      for (const { client, n, seen } of stay) {
        await client.until(() => seen.last >= (heads[n % rooms] ?? 0))
        expect(seen).toEqual({ last: heads[n % rooms], faults: [] })
      }
      expect(connects).toBeGreaterThan(clients)
      expect(heads.reduce((sum, head) => sum + head, 0)).toBeLessThanOrEqual(sent + rooms)

      await Promise.all(stay.map(({ client }) => client.close()))
      let left = await api.metric("parley_sockets")
      while (left > 0) left = await api.metric("parley_sockets")
      expect(await api.metric("parley_sockets_accepted_total")).toBe(connects + staying)
      expect(await started.stop("SIGTERM")).toEqual([0, null])
      expect(started.stderr).toBe("")
    },
    // A guard against a hang; the duration is a setting.
    60_000 + 2_000 * seconds
  )
})
