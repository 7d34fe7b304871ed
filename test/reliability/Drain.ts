import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Scenario } from "./Measurement.ts"

const sockets = 1_000
const talkers = 8
/** Messages seen by everybody before the signal. */
const warm = 50
/** What a talker waits after its own message before the next: what is measured is the server, and not how busy 1,000 clients in one process are. */
const pauseMillis = 400

export const drain: Scenario = {
  name: "drain",
  about: "SIGTERM with 1,000 sockets while some of them talk",
  run: async ({ say }) => {
    const server = new ServerProcess()
    try {
      const env = { ...unlimited, SOCKETS_PER_IP: "0" }
      let started = await server.up(env)
      await new ApiClient(started.url).register("reader")
      say(`drain: ${sockets} sockets connect`)
      const clients: Array<ChatClient> = []
      while (clients.length < sockets) {
        const connect = () => ChatClient.connect(started.socketUrl, { room: "drain", since: 0 })
        clients.push(...(await Promise.all(Array.from({ length: 50 }, connect))))
      }
      for (const [n, client] of clients.slice(0, talkers).entries()) {
        let next = 0
        const talk = () => {
          if (client.socket.readyState === 1)
            client.say(`message ${(next += 1)}`, { from: `talker${n}`, id: `${n}-${next}` })
        }
        client.each(({ from }) => {
          if (from === `talker${n}`) setTimeout(talk, pauseMillis)
        })
        talk()
      }
      await Promise.all(clients.map((client) => client.until(() => client.frames.length > warm)))
      say("drain: SIGTERM")
      const poller = new Worker(new URL("./ReadyzPoller.ts", import.meta.url), { workerData: `${started.url}/readyz` })
      await once(poller, "message")
      const notReady = once(poller, "message") as Promise<
        ReadonlyArray<{ readonly status: number; readonly at: number }>
      >
      const [asked, wallClock] = [performance.now(), Date.now()]
      const ended = started.stop("SIGTERM").then((exit) => ({ exit, after: performance.now() - asked }))
      const [first] = await notReady
      const notReadyAfter = first?.status === 503 ? first.at - wallClock : Infinity
      const { after, exit } = await ended
      const codes = new Set((await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code))
      started = await server.up(env)
      const { token } = await new ApiClient(started.url).loggedIn("reader")
      const log = new Map((await new ApiClient(started.url).log(token, "drain")).map(({ id, seq }) => [id, seq]))
      const lost = clients.flatMap(({ messages }) => messages).filter(({ id, seq }) => log.get(id) !== seq).length
      return [
        {
          promise: "SIGTERM: /readyz is 503",
          bound: "at most 100 ms",
          measured: `${Math.round(notReadyAfter)} ms`,
          kept: notReadyAfter <= 100
        },
        {
          promise: `SIGTERM: 1012 to all of ${sockets} sockets`,
          bound: "1012 alone",
          measured: [...codes].join(", "),
          kept: codes.size === 1 && codes.has(1012)
        },
        {
          promise: "SIGTERM: exit 0",
          bound: "at most 5 s",
          measured: `code ${exit[0]} after ${(after / 1_000).toFixed(2)} s`,
          kept: exit[0] === 0 && after <= 5_000
        },
        {
          promise: "SIGTERM: acknowledged or delivered, and lost",
          bound: "0",
          measured: String(lost),
          kept: lost === 0
        }
      ]
    } finally {
      await server.remove()
    }
  }
}
