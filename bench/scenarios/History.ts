import { writeFileSync } from "node:fs"
import { join } from "node:path"
import autocannon from "autocannon"
import { BenchFault } from "../BenchFault.ts"
import { runFixture, withDirectory } from "../Fixture.ts"
import { ClientSocket } from "../load/ClientSocket.ts"
import { Meter } from "../load/Meter.ts"
import type { Usage } from "../load/Meter.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { figure, thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import type { Scenario } from "../Scenario.ts"
import { ServerProcess } from "../server/ServerProcess.ts"
import type { Target } from "../Target.ts"
import { bareHttp } from "../targets/BareHttp.ts"
import { dataDirectory, signingSecret } from "../targets/Parley.ts"

/** A server, and whether a socket is in the room meanwhile: then its newest messages are in memory anyway. */
interface Variant {
  readonly name: string
  readonly label: string
  readonly target: Target
  readonly live: boolean
}

interface HistoryTurn extends Usage {
  /** A variant's name. */
  readonly target: string
  readonly round: number
  readonly requestsPerSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

const connections = 16
const messages = 10_000
const room = "bench"
const live = "live"
const cold = "cold"
const bare = "bare"
const path = `/api/message/v1/history?room=${room}`

const historySection = (
  turns: ReadonlyArray<HistoryTurn>,
  variants: ReadonlyArray<Variant>,
  seconds: number
): Section => {
  const of = (target: string) => turns.filter((turn) => turn.target === target)
  const groups = variants
    .map((variant) => ({ variant, turns: of(variant.name) }))
    .filter((group) => group.turns.length > 0)
  const ratio = ratioOf(of(live), of(bare), (turn) => turn.requestsPerSecond)
  return {
    scenario: "history",
    title: "History: the newest page",
    method:
      `GET ${path}, the newest 100 of ${thousands(messages)} messages, with an access token, over ${connections} connections (autocannon, no pipelining); every body is compared. With somebody in the room its newest messages are in memory. ` +
      `The bare server answers the same bytes from memory, whatever is asked. Medians of alternating turns of ${seconds} s.`,
    columns: ["server", "turns", "requests/s", "requests/CPU-s", "p50 ms", "p99 ms", ...costColumns],
    rows: groups.map(({ variant, turns }) => [
      variant.label,
      String(turns.length),
      thousands(medianOf(turns, (turn) => turn.requestsPerSecond)),
      thousands(
        medianOf(
          turns,
          (turn) => turn.serverCpuSeconds && (turn.requestsPerSecond * turn.seconds) / turn.serverCpuSeconds
        )
      ),
      figure(medianOf(turns, (turn) => turn.p50)),
      figure(medianOf(turns, (turn) => turn.p99)),
      ...costCells(turns)
    ]),
    verdicts: judge(`Parley's requests/s against ${bareHttp.label}`, ratio?.value, "×", { least: 0.4 }, ratio?.range),
    notes: costNotes(groups.map((group) => group.turns)),
    checkedDeliveries: 0,
    points: [],
    turns
  }
}

export const history: Scenario = {
  name: "history",
  about: "requests/s of the newest page against a bare node:http server",
  sockets: () => connections,
  run: (bench) => {
    if (!bench.journal.embedded) {
      throw new BenchFault(`history: the journal is filled beforehand, which is not done for ${bench.journal.label}.`)
    }
    return withDirectory(async (directory) => {
      const { quick, seconds, warmUpSeconds } = bench.options
      bench.say(`history: filling a journal with ${messages} messages`)
      runFixture("messages.ts", dataDirectory(directory), room, String(messages))
      const token = runFixture("logins.ts", dataDirectory(directory), signingSecret, "1").trim()
      const headers = { authorization: `Bearer ${token}` }
      const body = await newestPage(bench.parley, directory, headers)
      const file = join(directory, "page.json")
      writeFileSync(file, body)
      const { parley } = bench
      const all: ReadonlyArray<Variant> = [
        { name: live, label: `${parley.label}, somebody in the room`, target: parley, live: true },
        { name: cold, label: `${parley.label}, nobody in the room`, target: parley, live: false },
        { name: bare, label: bareHttp.label, target: bareHttp, live: false }
      ]
      const chosen = bench.chosen([parley, bareHttp])
      const variants = all.filter(({ name, target }) => chosen.includes(target) && !(quick && name === cold))
      const sectionOf = (turns: ReadonlyArray<HistoryTurn>) => historySection(turns, variants, seconds)
      const run = ({ live, name, target }: Variant, round: number) =>
        bench.withServer(
          target,
          `history, ${name}, turn ${round}`,
          async (server, say): Promise<HistoryTurn> => {
            const url = new URL(path, server.readyUrl).href
            const listener = live ? await listen(server, target) : undefined
            try {
              say("warming up")
              await load(server, { url, headers, body, seconds: Math.ceil(warmUpSeconds) })
              say("measuring")
              return { target: name, round, ...(await load(server, { url, headers, body, seconds })) }
            } finally {
              listener?.close()
            }
          },
          (turn) => `${thousands(turn.requestsPerSecond)} requests/s`,
          target === bench.parley ? { directory } : { env: { BODY: file } }
        )
      return sectionOf(await bench.turns(variants, run, sectionOf))
    })
  }
}

/** A socket in the room that has nothing to say. */
const listen = (server: ServerProcess, { wire }: Target): Promise<ClientSocket> =>
  server.unlessEnded(
    ClientSocket.connect({
      name: "the listener",
      port: server.socketPort,
      path: wire.path(room),
      room,
      wire,
      onBytes: () => {},
      onFault: () => {}
    })
  )

const newestPage = async (
  parley: Target,
  directory: string,
  headers: Readonly<Record<string, string>>
): Promise<string> => {
  const server = await ServerProcess.start(parley, { directory })
  try {
    const response = await server.unlessEnded(fetch(new URL(path, server.readyUrl), { headers }))
    const body = await response.text()
    if (response.status !== 200) throw new BenchFault(`${path} answered ${response.status}: ${body.slice(0, 500)}`)
    return body
  } finally {
    await server.stop()
  }
}

const load = async (
  server: ServerProcess,
  options: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly seconds: number
  }
) => {
  const meter = new Meter(server)
  const { body, headers, seconds, url } = options
  const result = await server.unlessEnded(
    Promise.resolve(autocannon({ url, headers: { ...headers }, connections, duration: seconds, expectBody: body }))
  )
  const usage = meter.usage()
  const bad = result.non2xx + result.errors + result.timeouts + result.mismatches
  if (bad > 0) {
    throw new BenchFault(
      `${result.non2xx} replies were no success, ${result.mismatches} had another body, ${result.errors} requests failed.`
    )
  }
  return {
    ...usage,
    requestsPerSecond: result["2xx"] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99
  }
}
