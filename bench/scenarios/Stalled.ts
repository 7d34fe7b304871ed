import { OpenLoop } from "../load/OpenLoop.ts"
import type { OpenLoopResult } from "../load/OpenLoop.ts"
import { StalledSockets } from "../load/StalledSockets.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { figure, megabytes } from "../report/Format.ts"
import { median, medianOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"

export interface StalledTurn extends OpenLoopResult {
  readonly round: number
  readonly stalled: number
  /** Of the stalled sockets, when they read again at the end. */
  readonly cut: number
}

interface Size {
  /** All of them, the stalled ones included. */
  readonly sockets: number
  readonly stalled: number
  readonly messageBytes: number
  readonly ratePerSecond: number
  readonly seconds: number
}

/** The kernel takes some megabytes for a socket that reads nothing: the rate must fill that, and then some, while it is measured. */
const full: Size = { sockets: 1000, stalled: 100, messageBytes: 1000, ratePerSecond: 400, seconds: 20 }
const quickly: Size = { sockets: 100, stalled: 10, messageBytes: 8000, ratePerSecond: 400, seconds: 7 }
const graceSeconds = 5

export const stalledSection = (turns: ReadonlyArray<StalledTurn>, size: Size): Section => {
  const rounds = [...new Set(turns.map(({ round }) => round))]
  const pairs = rounds.flatMap((round) => {
    const [without, with_] = [0, size.stalled].map((stalled) =>
      turns.find((turn) => turn.round === round && turn.stalled === stalled)
    )
    return without === undefined || with_ === undefined ? [] : [{ without, with: with_ }]
  })
  const p99 = pairs.flatMap(({ with: more, without }) =>
    more.latency.p99 === undefined || without.latency.p99 === undefined ? [] : [more.latency.p99 / without.latency.p99]
  )
  const rss = pairs.flatMap(({ with: more, without }) =>
    more.serverPeakRssBytes === undefined || without.serverPeakRssBytes === undefined
      ? []
      : [(more.serverPeakRssBytes - without.serverPeakRssBytes) / 1e6]
  )
  const groups = [0, size.stalled]
    .map((stalled) => ({ stalled, turns: turns.filter((turn) => turn.stalled === stalled) }))
    .filter((group) => group.turns.length > 0)
  const others = size.sockets - size.stalled
  return {
    scenario: "stalled",
    title: `Stalled sockets: ${size.stalled} among ${size.sockets} read nothing`,
    method:
      `${size.ratePerSecond} messages/s of ${size.messageBytes} bytes for ${size.seconds} s into a room of ${others} sockets that read, with and without ${size.stalled} more that do not, in alternating pairs; ` +
      `latency of the readers from the moment a message was due, and the greatest RSS of the server. The bounds are held against the median of the pairs.`,
    columns: ["sockets", "turns", "cut", "p50 ms", "p99 ms", "max ms", "peak RSS MB", ...costColumns],
    rows: groups.map(({ stalled, turns }) => [
      stalled === 0 ? `${others} reading` : `${others} reading, ${stalled} stalled`,
      String(turns.length),
      figure(medianOf(turns, (turn) => turn.cut)),
      figure(medianOf(turns, (turn) => turn.latency.p50)),
      figure(medianOf(turns, (turn) => turn.latency.p99)),
      figure(medianOf(turns, (turn) => turn.latency.max)),
      megabytes(medianOf(turns, (turn) => turn.serverPeakRssBytes)),
      ...costCells(turns)
    ]),
    verdicts: [
      ...judge("The others' p99, with against without", middle(p99), "×", { most: 1.3 }, range(p99)),
      ...judge("Peak RSS of the server, with less without", middle(rss), "MB", { most: 50 }, range(rss))
    ],
    notes: [
      ...turns
        .filter((turn) => turn.stalled > 0 && turn.cut === 0)
        .slice(0, 1)
        .map(
          () =>
            "In a turn none of the stalled sockets was cut: the kernel's buffers held all they were sent, and the turn shows little."
        ),
      ...turns
        .filter((turn) => !turn.keptUp)
        .slice(0, 1)
        .map(() => "In a turn the server did not keep up with the rate: its latencies are lower bounds."),
      ...costNotes(groups.map((group) => group.turns))
    ],
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0),
    points: [],
    turns
  }
}

const middle = (values: ReadonlyArray<number>) => (values.length === 0 ? undefined : median(values))
const range = (values: ReadonlyArray<number>): readonly [number, number] => [Math.min(...values), Math.max(...values)]

export const stalled: Scenario = {
  name: "stalled",
  about: "what 100 sockets that read nothing cost 900 others",
  sockets: ({ quick }) => (quick ? quickly : full).sockets,
  run: async (bench) => {
    const { quick, rounds, warmUpSeconds } = bench.options
    const size = quick ? quickly : full
    const sectionOf = (turns: ReadonlyArray<StalledTurn>) => stalledSection(turns, size)
    const run = (count: number, round: number) =>
      bench.withServer(
        bench.parley,
        `stalled, ${count} of ${size.sockets}, turn ${round}`,
        async (server, say): Promise<StalledTurn> => {
          const { wire } = bench.parley
          const room = freshRoom()
          const sleepers = await StalledSockets.connect(server, wire, room, count)
          try {
            const { messageBytes, ratePerSecond, seconds } = size
            const settings = { room, sockets: size.sockets - size.stalled, senders: 8, timed: 32, messageBytes }
            const loop = await OpenLoop.connect(server, wire, settings, say)
            try {
              const result = await loop.run({ ratePerSecond, warmUpSeconds, seconds, graceSeconds }, say)
              return { round, stalled: count, ...result, cut: await sleepers.release() }
            } finally {
              loop.close()
            }
          } finally {
            sleepers.close()
          }
        },
        (turn) =>
          `p99 ${figure(turn.latency.p99)} ms, peak RSS ${megabytes(turn.serverPeakRssBytes)} MB, ${turn.cut} of ${count} cut`
      )
    const pairs = quick ? { rounds: 1, most: 1 } : { rounds: Math.max(5, rounds), most: Math.max(5, rounds) }
    return sectionOf(await bench.turns([0, size.stalled], run, sectionOf, pairs))
  }
}
