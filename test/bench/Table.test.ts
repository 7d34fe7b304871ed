import { expect, it } from "vitest"
import { costCells, costNotes } from "../../bench/report/Cost.ts"
import { text } from "../../bench/report/Table.ts"
import type { Section } from "../../bench/report/Section.ts"
import { judge } from "../../bench/report/Verdict.ts"

const section: Section = {
  scenario: "closed",
  title: "A title",
  method: "How.",
  columns: ["server", "deliveries/s"],
  rows: [
    ["ws", "88,000"],
    ["Parley", "4,900,000"]
  ],
  verdicts: [],
  notes: ["A note."],
  checkedDeliveries: 1,
  points: [],
  turns: []
}

it("A table has its first column on the left and its figures on the right", () => {
  expect(text(section).split("\n")).toEqual([
    "A title",
    "server  deliveries/s",
    "──────  ────────────",
    "ws            88,000",
    "Parley     4,900,000",
    "  A note."
  ])
})

it("A figure stands beside its bound and says whether it holds", () => {
  const verdicts = [
    ...judge("Deliveries", 48.21, "×", { least: 45 }, [47, 50.12]),
    ...judge("Latency", 1.234, "×", { most: 1.1 }),
    ...judge("Memory", 9.96, "KB", { most: 10 })
  ]
  expect(text({ ...section, verdicts })).toContain(
    [
      "  pass   Deliveries: 48.2 × (at least 45 ×; turn by turn 47.0 × to 50.1 ×)",
      "  SHORT  Latency: 1.23 × (at most 1.1 ×)",
      "  pass   Memory: 10.0 KB (at most 10 KB)"
    ].join("\n")
  )
})

const usage = {
  seconds: 2,
  serverCpuSeconds: 2,
  serverRssBytes: 117_000_000,
  generatorCpuShare: 0.5,
  othersCpuShare: 0.1
}

it("What a load cost is shown, with a dash for what the system does not tell", () => {
  expect(costCells([usage])).toEqual(["117", "100 %", "50 %", "10 %"])
  expect(costCells([{ ...usage, serverCpuSeconds: undefined, serverRssBytes: undefined }])).toEqual([
    "–",
    "–",
    "50 %",
    "10 %"
  ])
})

it("A figure that the generator or another program may have spoilt is marked", () => {
  expect(costNotes([[usage]])).toEqual([])
  expect(costCells([{ ...usage, generatorCpuShare: 0.95 }])[2]).toBe("95 %*")
  expect(costNotes([[usage], [{ ...usage, generatorCpuShare: 0.95 }]])[0]).toMatch(/^\* The load generator/)
  expect(costNotes([[{ ...usage, othersCpuShare: 0.6 }]])[0]).toContain("Other programs took up to 60 % of a core")
})
