import { OpenLoop } from "../load/OpenLoop.ts"
import type { OpenLoopResult } from "../load/OpenLoop.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { figure, thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import type { Target } from "../Target.ts"
import { plainWs } from "../targets/PlainWs.ts"
import { socketIo } from "../targets/SocketIo.ts"

/** One server's way up the rates, to the first that it does not keep up with. */
export interface OpenTurn {
  readonly target: string
  readonly round: number
  readonly rates: ReadonlyArray<OpenLoopResult>
}

interface RateTurn extends OpenLoopResult {
  readonly round: number
}

const load = { sockets: 1000, senders: 8, timed: 32, messageBytes: 150 }
const rates = [20, 100, 500, 1000, 2000]
/** What a quick run tries: the rates that bounds speak of. */
const quickRates = [20, 1000]
const slowest = 20
const graceSeconds = 3

export const openSection = (
  turns: ReadonlyArray<OpenTurn>,
  targets: ReadonlyArray<Target>,
  tried: ReadonlyArray<number>,
  seconds: number
): Section => {
  const at = (target: string, rate: number): ReadonlyArray<RateTurn> =>
    turns
      .filter((turn) => turn.target === target)
      .flatMap(({ rates, round }) =>
        rates.filter(({ ratePerSecond }) => ratePerSecond === rate).map((result) => ({ ...result, round }))
      )
  const groups = targets.flatMap((target) => tried.map((rate) => ({ target, rate, turns: at(target.name, rate) })))
  const measured = groups.filter((group) => group.turns.length > 0)
  const kept = (turns: ReadonlyArray<RateTurn>): boolean => turns.length > 0 && turns.every(({ keptUp }) => keptUp)
  const [parleyFast, parleySlow, wsSlow] = [at("parley", 1000), at("parley", slowest), at(plainWs.name, slowest)]
  const p50 = ratioOf(parleySlow, wsSlow, (turn) => turn.latency.p50)
  const p99 = ratioOf(parleyFast, wsSlow, (turn) => turn.latency.p99)
  return {
    scenario: "open",
    title: `Open loop: messages by the clock into a room of ${thousands(load.sockets)} sockets`,
    method:
      `${load.senders} senders post ${load.messageBytes}-byte messages at a fixed rate, whatever the server does; latency counts from the moment a message was due, ` +
      `at ${load.timed} of the sockets (every delivery to all of them is checked). Medians of alternating turns of ${seconds} s (twice as long below 100 messages/s). ` +
      `A server did not keep up where deliveries were missing ${graceSeconds} s after the last message was due; what was missing then counts with its age (≥), and higher rates are not tried on it.`,
    columns: [
      "server",
      "messages/s",
      "turns",
      "kept up",
      "deliveries/s",
      "p50 ms",
      "p99 ms",
      "max ms",
      "late p99 ms",
      ...costColumns
    ],
    rows: groups.map(({ rate, target, turns }) => {
      if (turns.length === 0) {
        return [
          target.label,
          thousands(rate),
          "0",
          "not tried",
          ...Array.from({ length: 5 + costColumns.length }, () => "–")
        ]
      }
      const bound = kept(turns) ? "" : "≥ "
      return [
        target.label,
        thousands(rate),
        String(turns.length),
        kept(turns) ? "yes" : `no (${turns.filter(({ keptUp }) => !keptUp).length} of ${turns.length} turns)`,
        thousands(medianOf(turns, (turn) => turn.deliveriesPerSecond)),
        bound + figure(medianOf(turns, (turn) => turn.latency.p50)),
        bound + figure(medianOf(turns, (turn) => turn.latency.p99)),
        bound + figure(medianOf(turns, (turn) => turn.latency.max)),
        figure(medianOf(turns, (turn) => turn.lateness.p99)),
        ...costCells(turns)
      ]
    }),
    verdicts: [
      ...judge(
        "Parley's p99 at 1,000 messages/s against plain ws at 20",
        // A figure that is a lower bound proves no upper one.
        kept(parleyFast) ? p99?.value : parleyFast.length > 0 ? Infinity : undefined,
        "×",
        { most: 4 },
        p99?.range
      ),
      ...judge("Parley's p50 at 20 messages/s against plain ws", p50?.value, "×", { most: 1.1 }, p50?.range)
    ],
    notes: costNotes(measured.map((group) => group.turns)),
    checkedDeliveries: turns.reduce((sum, turn) => sum + (turn.rates.at(-1)?.checkedDeliveries ?? 0), 0),
    points: measured
      .filter((group) => kept(group.turns))
      .map(({ rate, target, turns }) => ({
        target: target.label,
        x: rate,
        y: medianOf(turns, (turn) => turn.latency.p99) ?? 0
      })),
    turns
  }
}

export const open: Scenario = {
  name: "open",
  about: "latency at fixed rates, counted from the moment a message was due",
  sockets: () => load.sockets,
  run: async (bench) => {
    const { quick, seconds, warmUpSeconds } = bench.options
    const tried = quick ? quickRates : rates
    const targets = bench.chosen(quick ? [bench.parley, plainWs] : [bench.parley, plainWs, socketIo])
    const sectionOf = (turns: ReadonlyArray<OpenTurn>) => openSection(turns, targets, tried, seconds)
    const climb = (target: Target, round: number) =>
      bench.withServer(
        target,
        `open, turn ${round}`,
        async (server, say): Promise<OpenTurn> => {
          const loop = await OpenLoop.connect(server, target.wire, { ...load, room: freshRoom() }, say)
          try {
            const done: Array<OpenLoopResult> = []
            for (const rate of quick && target === plainWs ? [slowest] : tried) {
              const result = await loop.run(
                {
                  ratePerSecond: rate,
                  warmUpSeconds,
                  seconds: rate < 100 && !quick ? 2 * seconds : seconds,
                  graceSeconds
                },
                (what) => say(`${rate} messages/s: ${what}`)
              )
              done.push(result)
              if (!result.keptUp) break
            }
            return { target: target.name, round, rates: done }
          } finally {
            loop.close()
          }
        },
        ({ rates }) =>
          rates
            .map(
              ({ keptUp, latency, ratePerSecond }) =>
                `${ratePerSecond}/s p99 ${keptUp ? "" : "≥ "}${figure(latency.p99)} ms${keptUp ? "" : ", did not keep up"}`
            )
            .join("; ")
      )
    return sectionOf(await bench.turns(targets, climb, sectionOf))
  }
}
