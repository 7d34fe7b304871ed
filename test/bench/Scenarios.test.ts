import { expect, it } from "vitest"
import type { OpenLoopResult } from "../../bench/load/OpenLoop.ts"
import { openSection } from "../../bench/scenarios/Open.ts"
import type { OpenTurn } from "../../bench/scenarios/Open.ts"
import { stalledSection } from "../../bench/scenarios/Stalled.ts"
import { wiresSection } from "../../bench/scenarios/Wires.ts"
import type { WiresTurn } from "../../bench/scenarios/Wires.ts"
import { parleyOn } from "../../bench/targets/Parley.ts"
import { plainWs } from "../../bench/targets/PlainWs.ts"

const parley = [parleyOn({ label: "durable", env: {}, remove: () => Promise.resolve() })]

const result = (ratePerSecond: number, p99: number, keptUp = true): OpenLoopResult => ({
  ratePerSecond,
  keptUp,
  deliveriesPerSecond: ratePerSecond * 1000,
  latency: { count: 1, p50: p99 / 2, p99, max: p99 },
  lateness: { count: 1, p50: 1, p99: 1, max: 1 },
  seconds: 5,
  serverCpuSeconds: 1,
  serverRssBytes: 100e6,
  serverPeakRssBytes: 100e6,
  generatorCpuShare: 0.5,
  othersCpuShare: 0,
  checkedDeliveries: 1000
})
const turn = (target: string, round: number, ...rates: ReadonlyArray<OpenLoopResult>): OpenTurn => ({
  target,
  round,
  rates
})
const section = (...turns: ReadonlyArray<OpenTurn>) => openSection(turns, [...parley, plainWs], [20, 100, 1000], 5)

it("An open loop compares Parley at 1,000 messages/s with ws at 20, turn by turn and by medians", () => {
  const { points, verdicts } = section(
    turn("parley", 1, result(20, 10), result(100, 12), result(1000, 30)),
    turn("ws", 1, result(20, 10), result(100, 900, false)),
    turn("parley", 2, result(20, 12), result(100, 12), result(1000, 60)),
    turn("ws", 2, result(20, 12), result(100, 900, false))
  )
  expect(verdicts).toMatchObject([
    { value: 45 / 11, passed: false, range: [3, 5] },
    { value: 1, passed: true }
  ])
  // What did not keep up has no place on the chart.
  expect(points.filter(({ target }) => target === plainWs.label).map(({ x }) => x)).toEqual([20])
})

it("A server that did not keep up is said so, and its figures are lower bounds that prove nothing", () => {
  const { rows, verdicts } = section(
    turn("parley", 1, result(20, 10), result(100, 12), result(1000, 30, false)),
    turn("ws", 1, result(20, 10), result(100, 900, false))
  )
  expect(rows[2]?.slice(1, 7)).toEqual(["1,000", "1", "no (1 of 1 turns)", "1,000,000", "≥ 15.0", "≥ 30.0"])
  expect(rows[5]?.slice(1, 4)).toEqual(["1,000", "0", "not tried"])
  expect(verdicts[0]).toMatchObject({ value: Infinity, passed: false })
})

it("Stalled sockets are judged by the median of the pairs, and a turn without a cut says so", () => {
  const size = { sockets: 1000, stalled: 100, messageBytes: 1000, ratePerSecond: 300, seconds: 20 }
  const turnOf = (round: number, stalled: number, p99: number, megabytes: number, cut = stalled) => ({
    ...result(300, p99),
    round,
    stalled,
    cut,
    serverPeakRssBytes: megabytes * 1e6
  })
  const turns = [
    turnOf(1, 0, 10, 100),
    turnOf(1, 100, 12, 110),
    turnOf(2, 100, 30, 190),
    turnOf(2, 0, 10, 100),
    turnOf(3, 0, 20, 100),
    turnOf(3, 100, 20, 130)
  ]
  expect(stalledSection(turns, size).verdicts).toMatchObject([
    { value: 1.2, passed: true, range: [1, 3] },
    { value: 30, passed: true, range: [10, 90] }
  ])
  expect(stalledSection(turns, size).notes).toEqual([])
  expect(stalledSection([...turns, turnOf(4, 100, 20, 130, 0)], size).notes[0]).toContain("none of the stalled")
})

it("The wires are judged against the setting of a peer that is better at each thing, and by lower bounds never", () => {
  const latency = (p99: number) => ({ count: 1, p50: p99 / 2, p99, max: p99 })
  const closed = (target: string, inFlight: number, deliveriesPerSecond: number): WiresTurn => ({
    ...result(1000, 30),
    target,
    inFlight,
    round: 1,
    deliveries: deliveriesPerSecond * 5,
    deliveriesPerSecond,
    messagesPerSecond: deliveriesPerSecond / 1000,
    own: latency(20),
    receivers: latency(20),
    checkedMessages: 1000
  })
  const timed = (target: string, p99: number, keptUp = true): WiresTurn => ({
    ...result(500, p99, keptUp),
    target,
    inFlight: "open",
    round: 1
  })
  const rich = "parley-centrifuge"
  const targets = [...parley, ...[rich, "plain", "tuned"].map((name) => ({ ...plainWs, name, label: name }))]
  const turns = [
    closed("parley", 16, 5e6),
    closed(rich, 16, 4e6),
    closed("plain", 16, 1e6),
    closed("tuned", 16, 2e6),
    timed("plain", 50),
    timed("tuned", 80)
  ]
  const judged = (parleys: WiresTurn) => wiresSection([...turns, parleys], targets, 5, []).verdicts
  expect(judged(timed(rich, 10))).toMatchObject([
    { value: 0.8, passed: false },
    { value: 2, passed: false },
    { value: 0.2, passed: true }
  ])
  expect(judged(timed(rich, 10, false)).at(-1)).toMatchObject({ value: Infinity, passed: false })
})
