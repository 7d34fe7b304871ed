import { closedLoop } from "../load/ClosedLoop.ts"
import type { ClosedLoopResult } from "../load/ClosedLoop.ts"
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
import { centrifugeWire, centrifuges } from "../targets/Centrifuge.ts"

interface ClosedTurn extends ClosedLoopResult {
  readonly target: string
  readonly inFlight: number
  readonly round: number
}
interface OpenTurn extends OpenLoopResult {
  readonly target: string
  readonly inFlight: "open"
  readonly round: number
}
export type WiresTurn = ClosedTurn | OpenTurn

const sockets = 1000
const senders = 8
const messageBytes = 150
const ratePerSecond = 500
const graceSeconds = 3
/** Messages in flight a sender, and how many times as fast as the better of its settings Parley must be. */
const bounds: ReadonlyArray<readonly [inFlight: number, least: number]> = [
  [16, 3],
  [128, 6]
]

/** Parley on the wire of the SDKs; the target `parley` is on the classic one. */
const richName = "parley-centrifuge"

const loadText = (inFlight: number | "open"): string =>
  inFlight === "open" ? `${ratePerSecond} messages/s` : `${inFlight} in flight`

export const wiresSection = (
  turns: ReadonlyArray<WiresTurn>,
  targets: ReadonlyArray<Target>,
  seconds: number,
  notes: ReadonlyArray<string>
): Section => {
  const closedOf = (target: string, inFlight: number): ReadonlyArray<ClosedTurn> =>
    turns.filter((turn): turn is ClosedTurn => turn.target === target && turn.inFlight === inFlight)
  const openOf = (target: string): ReadonlyArray<OpenTurn> =>
    turns.filter((turn): turn is OpenTurn => turn.target === target && turn.inFlight === "open")
  const peers = targets.filter(({ name }) => name !== "parley" && name !== richName)
  const groups = [...bounds.map(([inFlight]) => inFlight), "open" as const]
    .flatMap((inFlight) =>
      targets.map((target) => ({
        inFlight,
        target,
        turns: turns.filter((turn) => turn.target === target.name && turn.inFlight === inFlight)
      }))
    )
    .filter((group) => group.turns.length > 0)
  const latencyOf = (turn: WiresTurn) => ("latency" in turn ? turn.latency : turn.receivers)
  const classic = ratioOf(closedOf(richName, 16), closedOf("parley", 16), (turn) => turn.deliveriesPerSecond)
  // The better setting is the one that leaves Parley the smaller ratio, and the greater one of latencies.
  const against = (inFlight: number) =>
    peers
      .map((peer) =>
        ratioOf(closedOf(richName, inFlight), closedOf(peer.name, inFlight), (turn) => turn.deliveriesPerSecond)
      )
      .filter((ratio) => ratio !== undefined)
      .toSorted((a, b) => a.value - b.value)[0]
  const kept = openOf(richName).length > 0 && openOf(richName).every(({ keptUp }) => keptUp)
  const latency = peers
    .map((peer) => ratioOf(openOf(richName), openOf(peer.name), (turn) => turn.latency.p99))
    .filter((ratio) => ratio !== undefined)
    .toSorted((a, b) => b.value - a.value)[0]
  return {
    scenario: "wires",
    title: `The wire of Centrifugo's SDKs: ${thousands(sockets)} sockets in one room`,
    method:
      `${senders} senders, ${messageBytes}-byte messages in JSON, in a closed loop with 16 and 128 in flight each, and ${ratePerSecond} a second by the clock (there latency counts from the moment a message was due). ` +
      `Medians of alternating turns of ${seconds} s. Parley commits every message first; Centrifuge, the engine of Centrifugo, keeps its history in memory. Every publication is compared at every socket, however a server cuts its frames.`,
    columns: ["server", "load", "turns", "deliveries/s", "p50 ms", "p99 ms", ...costColumns],
    rows: groups.map(({ inFlight, target, turns }) => {
      const isBound = turns.some((turn) => "keptUp" in turn && !turn.keptUp)
      const bound = isBound ? "≥ " : ""
      return [
        target.label,
        loadText(inFlight),
        String(turns.length),
        thousands(medianOf(turns, (turn) => turn.deliveriesPerSecond)),
        bound + figure(medianOf(turns, (turn) => latencyOf(turn).p50)),
        bound + figure(medianOf(turns, (turn) => latencyOf(turn).p99)),
        ...costCells(turns)
      ]
    }),
    verdicts: [
      ...judge(
        "1,000 sockets, deliveries/s against the classic wire",
        classic?.value,
        "×",
        { least: 0.9 },
        classic?.range
      ),
      ...bounds.flatMap(([inFlight, least]) => {
        const ratio = against(inFlight)
        const what = `${inFlight} in flight a sender, deliveries/s against the better of Centrifuge's settings`
        return judge(what, ratio?.value, "×", { least }, ratio?.range)
      }),
      ...judge(
        `p99 at ${ratePerSecond} messages/s against the better of Centrifuge's settings`,
        // A figure that is a lower bound proves no upper one.
        latency === undefined || kept ? latency?.value : Infinity,
        "×",
        { most: 0.4 },
        latency?.range
      )
    ],
    notes: [...notes, ...costNotes(groups.map((group) => group.turns))],
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0),
    points: groups
      .filter(({ inFlight }) => inFlight !== "open")
      .map(({ inFlight, target, turns }) => ({
        target: target.label,
        x: Number(inFlight),
        y: medianOf(turns, (turn) => turn.deliveriesPerSecond) ?? 0
      })),
    turns
  }
}

export const wires: Scenario = {
  name: "wires",
  about: "the wire of Centrifugo's SDKs against the classic one and against Centrifugo's engine",
  sockets: () => sockets,
  run: async (bench) => {
    const { seconds, warmUpSeconds } = bench.options
    const rich: Target = {
      ...bench.parley,
      name: richName,
      label: `${bench.parley.label}, Centrifugo's wire`,
      wire: centrifugeWire
    }
    bench.say("wires: building Centrifuge")
    const engines = await centrifuges()
    const notes = "missing" in engines ? [`Centrifuge is left out: ${engines.missing}.`] : []
    // A quick run has the setting that is the better one as a rule, and the lighter of the closed loops.
    const { quick } = bench.options
    const peers = "missing" in engines ? [] : engines.slice(quick ? -1 : 0)
    const tried = quick ? bounds.slice(0, 1) : bounds
    const targets = bench.chosen([bench.parley, rich, ...peers])
    const variants = targets.flatMap((target) =>
      target === bench.parley
        ? [{ target, inFlight: 16 }]
        : [...tried.map(([inFlight]) => ({ target, inFlight })), { target, inFlight: "open" as const }]
    )
    const sectionOf = (turns: ReadonlyArray<WiresTurn>) => wiresSection(turns, targets, seconds, notes)
    const run = ({ inFlight, target }: (typeof variants)[number], round: number) =>
      bench.withServer(
        target,
        `wires, ${loadText(inFlight)}, turn ${round}`,
        async (server, say): Promise<WiresTurn> => {
          const load = { room: freshRoom(), sockets, senders, messageBytes }
          if (inFlight !== "open") {
            const settings = { ...load, inFlight, seconds, warmUpSeconds }
            return { target: target.name, inFlight, round, ...(await closedLoop(server, target.wire, settings, say)) }
          }
          const loop = await OpenLoop.connect(server, target.wire, { ...load, timed: 32 }, say)
          try {
            const phase = { ratePerSecond, warmUpSeconds, seconds, graceSeconds }
            return { target: target.name, inFlight, round, ...(await loop.run(phase, say)) }
          } finally {
            loop.close()
          }
        },
        (turn) =>
          "latency" in turn
            ? `p99 ${turn.keptUp ? "" : "≥ "}${figure(turn.latency.p99)} ms`
            : `${thousands(turn.deliveriesPerSecond)} deliveries/s`
      )
    return sectionOf(await bench.turns(variants, run, sectionOf))
  }
}
