import { expect, it } from "vitest"
import type { Row } from "../../bench/report/Summary.ts"
import { table } from "../../bench/report/Table.ts"

const row: Row = {
  target: "ws",
  sockets: 1000,
  turns: 3,
  deliveriesPerSecond: 88_000.4,
  messagesPerSecond: 88,
  ownP50: undefined,
  ownP99: undefined,
  receiversP50: undefined,
  receiversP99: 1730.5,
  rssBytes: 117_000_000,
  serverCpuShare: 1.004,
  deliveriesPerCpuSecond: 88_000,
  generatorCpuShare: 0.5,
  othersCpuShare: 0
}
const print = (change: Partial<Row> = {}): string =>
  table({ rows: [{ ...row, ...change }], ratios: [] }, new Map([["ws", "plain ws"]]))

it("A row shows its figures under the server's label, and a dash for what was not measured", () => {
  expect(print().split("\n")[2]?.trim().split(/ {2,}/)).toEqual([
    "1,000",
    "plain ws",
    "88,000",
    "88",
    "–",
    "1,731",
    "117",
    "100 %",
    "88,000",
    "50 %",
    "0 %"
  ])
})

it("A figure that the generator or another program may have spoilt is marked", () => {
  expect(print()).not.toMatch(/generator had|Other programs/)
  expect(print({ generatorCpuShare: 0.95 })).toMatch(/95 %\*[^]*\* the load generator had little time left/)
  expect(print({ othersCpuShare: 0.6 })).toContain("Other programs took up to 60 % of a core")
})
