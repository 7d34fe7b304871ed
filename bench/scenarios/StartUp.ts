import { join } from "node:path"
import { BenchFault } from "../BenchFault.ts"
import { runFixture, withDirectory } from "../Fixture.ts"
import { ClientSocket } from "../load/ClientSocket.ts"
import { readServerFrame } from "../load/ServerFrame.ts"
import { figure, megabytes, thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import type { Scenario } from "../Scenario.ts"
import { ServerProcess } from "../server/ServerProcess.ts"
import type { Target } from "../Target.ts"
import { dataDirectory } from "../targets/Parley.ts"

export interface StartUpTurn {
  readonly messages: number
  readonly round: number
  readonly startMs: number
  /** From the start of the process to the newest message on a socket; undefined where there is none. */
  readonly firstMessageMs: number | undefined
  readonly rssBytes: number | undefined
}

const messages = 100_000
const room = "bench"

const startUpSection = (turns: ReadonlyArray<StartUpTurn>): Section => {
  const of = (count: number) => turns.filter((turn) => turn.messages === count)
  const [filled, empty] = [of(messages), of(0)]
  const ratio = ratioOf(filled, empty, (turn) => turn.startMs)
  return {
    scenario: "startup",
    title: "Start-up",
    method:
      `From the start of the process (TypeScript as it is, as \`npm start\` runs it) to the first 200 of /readyz, asked every 10 ms; then to the newest message on a socket that asks for it. ` +
      `Both data directories were used before; medians of alternating starts.`,
    columns: ["journal", "starts", "ready ms", "newest message ms", "RSS MB"],
    rows: [empty, filled].map((turns, index) => [
      `${thousands(index === 0 ? 0 : messages)} messages`,
      String(turns.length),
      figure(medianOf(turns, (turn) => turn.startMs)),
      figure(medianOf(turns, (turn) => turn.firstMessageMs)),
      megabytes(medianOf(turns, (turn) => turn.rssBytes))
    ]),
    verdicts: [
      ...judge("Start to ready with 100,000 messages", seconds(medianOf(filled, (turn) => turn.startMs)), "s", {
        most: 1
      }),
      ...judge("… against an empty journal", ratio?.value, "×", { most: 1.2 }, ratio?.range)
    ],
    notes: [],
    checkedDeliveries: filled.length,
    points: [],
    turns
  }
}

const seconds = (milliseconds: number | undefined) => (milliseconds === undefined ? undefined : milliseconds / 1000)

export const startup: Scenario = {
  name: "startup",
  about: "start to ready with 100,000 messages in the journal",
  sockets: () => 1,
  run: (bench) => {
    if (!bench.journal.embedded) {
      throw new BenchFault(`startup: the journal is filled beforehand, which is not done for ${bench.journal.label}.`)
    }
    return withDirectory(async (directory) => {
      const { quick } = bench.options
      const counts = [0, messages]
      const directories = new Map(counts.map((count) => [count, join(directory, String(count))]))
      for (const [count, each] of directories) {
        bench.say(`startup: filling a journal with ${count} messages`)
        runFixture("messages.ts", dataDirectory(each), room, String(count))
        const server = await ServerProcess.start(bench.parley, { directory: each })
        await server.stop()
      }
      const run = async (count: number, round: number) =>
        bench.withServer(
          bench.parley,
          `startup, ${count} messages, start ${round}`,
          (server) => startUpTurn(server, bench.parley, count, round),
          (turn) => `ready after ${figure(turn.startMs)} ms`,
          { directory: directories.get(count) ?? directory }
        )
      const rounds = quick ? { rounds: 1, most: 1 } : { rounds: 5, most: 9 }
      return startUpSection(await bench.turns(counts, run, startUpSection, rounds))
    })
  }
}

const startUpTurn = async (
  server: ServerProcess,
  target: Target,
  count: number,
  round: number
): Promise<StartUpTurn> => ({
  messages: count,
  round,
  startMs: server.startMs,
  firstMessageMs: count === 0 ? undefined : await newestMessage(server, target, count),
  rssBytes: server.usage()?.rssBytes
})

/** Rejects with a `BenchFault` where the newest message is not the last one filled in. */
const newestMessage = async (server: ServerProcess, { wire }: Target, count: number): Promise<number> => {
  const came = Promise.withResolvers<number>()
  let bytes = Buffer.alloc(0)
  const socket = await server.unlessEnded(
    ClientSocket.connect({
      name: "the reader",
      port: server.socketPort,
      path: `${wire.path(room)}&history=1`,
      room,
      wire,
      onBytes: (buffer, length) => {
        bytes = Buffer.concat([bytes, buffer.subarray(0, length)])
        const frame = readServerFrame(bytes, 0)
        if (frame === undefined) return
        const seq = wire.decode(bytes.toString("utf8", frame.payloadStart, frame.end), room)?.seq
        if (seq === count) came.resolve(performance.now() - server.startedAt)
        else came.reject(new BenchFault(`The newest message has position ${seq}, not ${count}.`))
      },
      onFault: (fault) => came.reject(fault)
    })
  )
  try {
    return await server.unlessEnded(came.promise)
  } finally {
    socket.close()
  }
}
