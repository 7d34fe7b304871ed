import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { middle, percentile } from "./Measurement.ts"
import type { Scenario } from "./Measurement.ts"

const readers = 50
const messagesPerSecond = 50
const loginsPerSecond = 50
const rounds = 5
/** Code that is compiled, and threads that are started, with the first of them. */
const warmLogins = 10

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
      for (let n = 0; n < warmLogins; n++) await api.login("somebody")
      await chatFor(started, "warm", 2)
      const quiet: Array<number> = []
      const stormy: Array<number> = []
      const statuses = new Map<number, number>()
      let retryable = true
      // In turns, and the middle of the pairs: p99 of a few seconds is a handful of messages, and what else the machine does hits one pair or another.
      for (let round = 0; round < rounds; round++) {
        say(`storm: round ${round + 1} of ${rounds}, chat alone`)
        quiet.push(percentile(await chatFor(started, `quiet-${round}`, seconds), 0.99))
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
        stormy.push(percentile(await chatFor(started, `stormy-${round}`, seconds), 0.99))
        await offered
        await Promise.all(logins)
      }
      const times = middle(stormy.map((p99, round) => p99 / (quiet[round] ?? NaN)))
      const millis = (values: ReadonlyArray<number>) => values.map((value) => value.toFixed(1)).join(", ")
      const succeeded = (statuses.get(200) ?? 0) / (seconds * rounds)
      const others = [...statuses].filter(([status]) => status !== 200 && status !== 503)
      return [
        {
          promise: `${loginsPerSecond} logins/s offered: chat p99, median of ${rounds} pairs`,
          bound: "at most × 2",
          measured: `× ${times.toFixed(2)} (${millis(quiet)} ms, then ${millis(stormy)} ms)`,
          kept: times <= 2
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
