import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import autocannon from "autocannon"
import { BenchFault } from "../BenchFault.ts"
import { closedLoop } from "../load/ClosedLoop.ts"
import { thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Bench, Scenario } from "../Scenario.ts"
import type { ServerProcess } from "../server/ServerProcess.ts"

interface Variant {
  readonly name: string
  readonly label: string
  readonly env: Readonly<Record<string, string>>
}

interface WatchedTurn {
  readonly target: string
  readonly round: number
  readonly requestsPerSecond: number
  readonly deliveriesPerSecond: number
  readonly checkedDeliveries: number
}

const sockets = 1_000
const connections = 16
const load = { senders: 8, inFlight: 16, messageBytes: 150 }

/** An APM Server that takes everything and looks at nothing. */
const takeAll = async (): Promise<{ readonly url: string; readonly close: () => void }> => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(202).end('{"version":"9.5.1"}'))
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** An account's requests for the newest page of a room, as fast as they are answered. */
const requestsPerSecond = async (server: ServerProcess, seconds: number): Promise<number> => {
  const call = async (method: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { "content-type": "application/json" }
    const reply = await fetch(new URL(path, server.readyUrl), { method, headers, body: JSON.stringify(body) })
    return (await reply.json()) as Record<string, unknown>
  }
  const account = { username: "watcher1", password: "password123" }
  await call("POST", "/api/user/v1/register", { ...account, full_name: "A watcher" })
  const { token } = await call("POST", "/api/user/v1/login", account)
  const result = await server.unlessEnded(
    Promise.resolve(
      autocannon({
        url: new URL("/api/message/v1/history?limit=1", server.readyUrl).href,
        headers: { authorization: `Bearer ${String(token)}` },
        connections,
        duration: seconds
      })
    )
  )
  if (result.non2xx + result.errors > 0) throw new BenchFault(`${result.non2xx} replies were no success.`)
  return result["2xx"] / result.duration
}

const watchedSection = (
  turns: ReadonlyArray<WatchedTurn>,
  variants: ReadonlyArray<Variant>,
  seconds: number
): Section => {
  const of = (name: string) => turns.filter(({ target }) => target === name)
  const requests = (turn: WatchedTurn) => turn.requestsPerSecond
  const deliveries = (turn: WatchedTurn) => turn.deliveriesPerSecond
  const bound = (what: string, own: string, peer: string, figure: (turn: WatchedTurn) => number) => {
    const ratio = ratioOf(of(own), of(peer), figure)
    return judge(what, ratio?.value, "×", { least: 0.9 }, ratio?.range)
  }
  return {
    scenario: "watched",
    title: "What it costs to be watched",
    method:
      `Deliveries/s of the closed loop into one room of ${thousands(sockets)} sockets, then requests/s of a page of history with an access token over ${connections} connections, ${seconds} s each, in one server. ` +
      "Without a log: LOG_LEVEL=error. APM: the same as logged, with the default sampling, to a server that takes everything, on the same machine.",
    columns: ["Parley", "turns", "deliveries/s", "requests/s"],
    rows: variants.map(({ label, name }) => [
      label,
      String(of(name).length),
      thousands(medianOf(of(name), deliveries)),
      thousands(medianOf(of(name), requests))
    ]),
    verdicts: [
      ...bound("requests/s with the log against without", "logged", "quiet", requests),
      ...bound("requests/s with APM against the log alone", "apm", "logged", requests),
      ...bound("deliveries/s with APM against the log alone", "apm", "logged", deliveries)
    ],
    notes: [],
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0),
    points: [],
    turns
  }
}

export const watched: Scenario = {
  name: "watched",
  about: "what logging and tracing cost",
  sockets: () => sockets,
  run: async (bench: Bench) => {
    const { seconds, warmUpSeconds } = bench.options
    const apm = await takeAll()
    const variants: ReadonlyArray<Variant> = [
      { name: "quiet", label: "without a log", env: { LOG_LEVEL: "error" } },
      { name: "logged", label: "logged", env: {} },
      { name: "apm", label: "logged, traced to APM", env: { ELASTIC_APM_SERVER_URL: apm.url } }
    ]
    const sectionOf = (turns: ReadonlyArray<WatchedTurn>) => watchedSection(turns, variants, seconds)
    try {
      const run = ({ env, label, name }: Variant, round: number) =>
        bench.withServer(
          bench.parley,
          `watched, ${label}, turn ${round}`,
          async (server, say): Promise<WatchedTurn> => {
            const room = freshRoom()
            const closed = await closedLoop(
              server,
              bench.parley.wire,
              { ...load, room, sockets, seconds, warmUpSeconds },
              say
            )
            return {
              target: name,
              round,
              deliveriesPerSecond: closed.deliveriesPerSecond,
              checkedDeliveries: closed.checkedDeliveries,
              requestsPerSecond: await requestsPerSecond(server, seconds)
            }
          },
          (turn) =>
            `${thousands(turn.deliveriesPerSecond)} deliveries/s, ${thousands(turn.requestsPerSecond)} requests/s`,
          { env }
        )
      return sectionOf(await bench.turns(variants, run, sectionOf))
    } finally {
      apm.close()
    }
  }
}
