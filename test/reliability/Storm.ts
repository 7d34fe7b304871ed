import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { percentile } from "./Measurement.ts"
import type { Scenario } from "./Measurement.ts"

const readers = 50
const messagesPerSecond = 50
const loginsPerSecond = 50

/** Does it so many times a second, by the clock, whether or not what was done before is done. */
const byTheClock = async (perSecond: number, seconds: number, act: (n: number) => void): Promise<void> => {
  const began = performance.now()
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = began + (n * 1_000) / perSecond
    if (due > performance.now()) await new Promise((done) => setTimeout(done, due - performance.now()))
    act(n)
  }
}

/** Milliseconds from when each message was sent until each reader had it. */
const chatFor = async (started: Started, room: string, seconds: number): Promise<ReadonlyArray<number>> => {
  const connect = () => ChatClient.connect(started.socketUrl, { room, since: 0 })
  const clients = await Promise.all(Array.from({ length: readers }, connect))
  const sent: Array<number> = []
  const latencies: Array<number> = []
  for (const client of clients) {
    client.each(({ message, seq }) => {
      if (seq !== undefined) latencies.push(performance.now() - (sent[Number(message)] ?? 0))
    })
  }
  await byTheClock(messagesPerSecond, seconds, (n) => {
    sent[n] = performance.now()
    clients[0]?.say(String(n))
  })
  await Promise.all(clients.map((client) => client.until(() => client.messages.length === sent.length)))
  await Promise.all(clients.map((client) => client.close()))
  return latencies
}

export const storm: Scenario = {
  name: "storm",
  about: "50 logins a second while others chat",
  run: async ({ say, seconds }) => {
    const server = new ServerProcess()
    try {
      const started = await server.up(unlimited)
      const api = new ApiClient(started.url)
      await api.register("somebody")
      await chatFor(started, "warm", 2)
      const quiet: Array<number> = []
      const stormy: Array<number> = []
      const statuses = new Map<number, number>()
      let retryable = true
      const rounds = 3
      // In turns: p99 of a few seconds is not the machine's alone.
      for (let round = 0; round < rounds; round++) {
        say(`storm: round ${round + 1} of ${rounds}, chat alone`)
        quiet.push(...(await chatFor(started, `quiet-${round}`, seconds)))
        say(`storm: round ${round + 1} of ${rounds}, chat and ${loginsPerSecond} logins a second`)
        const logins: Array<Promise<void>> = []
        const offered = byTheClock(loginsPerSecond, seconds, () => {
          const login = async (): Promise<void> => {
            const { headers, status } = await api.login("somebody")
            statuses.set(status, (statuses.get(status) ?? 0) + 1)
            if (status === 503 && !headers.has("retry-after")) retryable = false
          }
          logins.push(login())
        })
        stormy.push(...(await chatFor(started, `stormy-${round}`, seconds)))
        await offered
        await Promise.all(logins)
      }
      const [before, during] = [percentile(quiet, 0.99), percentile(stormy, 0.99)]
      const succeeded = (statuses.get(200) ?? 0) / (seconds * rounds)
      const others = [...statuses].filter(([status]) => status !== 200 && status !== 503)
      return [
        {
          promise: `${loginsPerSecond} logins/s offered: chat p99`,
          bound: "at most × 2",
          measured: `${before.toFixed(1)} ms, then ${during.toFixed(1)} ms (× ${(during / before).toFixed(2)})`,
          kept: during <= 2 * before
        },
        {
          promise: `${loginsPerSecond} logins/s offered: logins that succeed`,
          bound: "at least 5/s",
          measured: `${succeeded.toFixed(1)}/s`,
          kept: succeeded >= 5
        },
        {
          promise: `${loginsPerSecond} logins/s offered: the rest`,
          bound: "503 with Retry-After",
          measured: `${statuses.get(503) ?? 0} times 503${others.map(([status, count]) => `, ${count} times ${status}`).join("")}`,
          kept: others.length === 0 && retryable
        }
      ]
    } finally {
      await server.remove()
    }
  }
}
