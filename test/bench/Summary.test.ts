import { expect, it } from "vitest"
import { median, summarize } from "../../bench/report/Summary.ts"
import type { Turn } from "../../bench/report/Summary.ts"
import { secondsOfPs } from "../../bench/server/ProcessUsage.ts"

const turn = (target: string, turn: number, deliveriesPerSecond: number): Turn => ({
  target,
  turn,
  sockets: 100,
  startMs: 1,
  seconds: 2,
  deliveries: deliveriesPerSecond * 2,
  deliveriesPerSecond,
  messagesPerSecond: deliveriesPerSecond / 100,
  own: { count: 1, p50: turn, p99: 2 },
  receivers: { count: 0, p50: undefined, p99: undefined },
  connectsPerSecond: 1,
  serverCpuSeconds: 4,
  serverRssBytes: 1,
  serverIdleRssBytes: 1,
  generatorCpuShare: 0.5,
  othersCpuShare: 0,
  checkedMessages: 1,
  checkedDeliveries: 100
})

it("A median lies in the middle, whatever the order", () => {
  expect(median([30, 1, 2])).toBe(2)
  expect(median([4, 1, 30, 2])).toBe(3)
})

it("Rows are medians over the turns, and ratios are of medians with their range turn by turn", () => {
  const turns = [
    turn("parley", 1, 1000),
    turn("ws", 1, 100),
    turn("ws", 2, 50),
    turn("parley", 2, 2000),
    turn("parley", 3, 1500),
    turn("ws", 3, 60)
  ]
  const { rows, ratios } = summarize(turns, "parley")
  expect(rows.map((row) => [row.target, row.deliveriesPerSecond, row.ownP50, row.receiversP50])).toEqual([
    ["parley", 1500, 2, undefined],
    ["ws", 60, 2, undefined]
  ])
  expect(rows[0]).toMatchObject({ serverCpuShare: 2, deliveriesPerCpuSecond: 750 })
  expect(ratios).toEqual([
    { target: "parley", peer: "ws", sockets: 100, deliveries: 25, least: 10, greatest: 40, perCpuSecond: 25 }
  ])
})

it("The times that ps prints are read", () => {
  expect(secondsOfPs("0:01.50")).toBe(1.5)
  expect(secondsOfPs("01:02:03")).toBe(3723)
  expect(secondsOfPs("2-01:00:00")).toBe(176_400)
})
