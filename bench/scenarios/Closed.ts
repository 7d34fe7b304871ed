import { closedLoop } from "../load/ClosedLoop.ts"
import type { ClosedLoopResult } from "../load/ClosedLoop.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { figure, thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import type { Verdict } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Bench, Scenario } from "../Scenario.ts"
import type { Target } from "../Target.ts"
import { plainWs } from "../targets/PlainWs.ts"
import { socketIo } from "../targets/SocketIo.ts"

export interface ClosedTurn extends ClosedLoopResult {
  readonly target: string
  readonly sockets: number
  readonly round: number
}

const load = { senders: 8, inFlight: 16, messageBytes: 150 }

const perCpuSecond = (turn: ClosedTurn): number | undefined =>
  turn.serverCpuSeconds && turn.deliveries / turn.serverCpuSeconds

/** So many times as fast as they, 1,000 sockets. A commit in a database is a few trips to another process. */
interface Least {
  readonly socketIo: number
  readonly plainWs: number
}
const embedded: Least = { socketIo: 45, plainWs: 50 }
const databases: Least = { socketIo: 10, plainWs: 10 }

/** Medians, ratios and bounds of the turns of all sizes. */
const closedSection = (
  turns: ReadonlyArray<ClosedTurn>,
  targets: ReadonlyArray<Target>,
  seconds: number,
  least: Least
): Section => {
  const sizes = [...new Set(turns.map(({ sockets }) => sockets))].toSorted((a, b) => a - b)
  const of = (target: string, sockets: number) =>
    turns.filter((turn) => turn.target === target && turn.sockets === sockets)
  const groups = sizes
    .flatMap((sockets) => targets.map((target) => ({ sockets, target, turns: of(target.name, sockets) })))
    .filter((group) => group.turns.length > 0)
  const against = (peer: Target, least: number): ReadonlyArray<Verdict> => {
    const ratio = ratioOf(of("parley", 1000), of(peer.name, 1000), (turn) => turn.deliveriesPerSecond)
    return judge(`1,000 sockets, deliveries/s against ${peer.label}`, ratio?.value, "×", { least }, ratio?.range)
  }
  const large = ratioOf(of("parley", 8000), of("parley", 1000), perCpuSecond)
  return {
    scenario: "closed",
    title: "Closed loop: everybody in one room",
    method:
      `${load.senders} senders with ${load.inFlight} messages of ${load.messageBytes} bytes in flight each: a sender posts the next when it sees its own copy of one. ` +
      `Medians of alternating turns of ${seconds} s; latency from the send to sockets that do not send.`,
    columns: [
      "server",
      "sockets",
      "turns",
      "deliveries/s",
      "messages/s",
      "p50 ms",
      "p99 ms",
      "deliveries/CPU-s",
      ...costColumns
    ],
    rows: groups.map(({ sockets, target, turns }) => [
      target.label,
      thousands(sockets),
      String(turns.length),
      thousands(medianOf(turns, (turn) => turn.deliveriesPerSecond)),
      thousands(medianOf(turns, (turn) => turn.messagesPerSecond)),
      figure(medianOf(turns, (turn) => turn.receivers.p50)),
      figure(medianOf(turns, (turn) => turn.receivers.p99)),
      thousands(medianOf(turns, perCpuSecond)),
      ...costCells(turns)
    ]),
    verdicts: [
      ...against(socketIo, least.socketIo),
      ...against(plainWs, least.plainWs),
      ...judge(
        "Parley's deliveries per CPU-second of the server, 8,000 sockets against 1,000",
        large?.value,
        "×",
        {
          least: 0.9
        },
        large?.range
      )
    ],
    notes: costNotes(groups.map((group) => group.turns)),
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0),
    points: groups.map(({ sockets, target, turns }) => ({
      target: target.label,
      x: sockets,
      y: medianOf(turns, (turn) => turn.deliveriesPerSecond) ?? 0
    })),
    turns
  }
}

export const closed: Scenario = {
  name: "closed",
  about: "deliveries/s with everybody in one room, senders waiting for their own copies",
  sockets: (options) => Math.max(...options.sockets),
  run: async (bench: Bench) => {
    const { seconds, sockets: sizes, warmUpSeconds } = bench.options
    const targets = bench.chosen([bench.parley, plainWs, socketIo])
    const turns: Array<ClosedTurn> = []
    const least = bench.journal.embedded ? embedded : databases
    const sectionOf = (more: ReadonlyArray<ClosedTurn>) => closedSection([...turns, ...more], targets, seconds, least)
    for (const sockets of sizes) {
      const run = (target: Target, round: number) =>
        bench.withServer(
          target,
          `closed, ${sockets} sockets, turn ${round}`,
          async (server, say): Promise<ClosedTurn> => ({
            target: target.name,
            sockets,
            round,
            ...(await closedLoop(
              server,
              target.wire,
              { ...load, room: freshRoom(), sockets, seconds, warmUpSeconds },
              say
            ))
          }),
          (turn) => `${thousands(turn.deliveriesPerSecond)} deliveries/s`
        )
      turns.push(...(await bench.turns(targets, run, sectionOf)))
    }
    return sectionOf([])
  }
}
