import { expect, it } from "vitest"
import { chart } from "../../bench/report/Chart.ts"
import { withFigures } from "../../bench/report/Markdown.ts"
import { withEntries } from "../../bench/report/Record.ts"
import type { Entry } from "../../bench/report/Record.ts"
import { judge } from "../../bench/report/Verdict.ts"

const machine = { cpu: "a CPU", cores: 2, memoryBytes: 4 * 2 ** 30, os: "linux 6", node: "v24" }

const entry = (scenario: string, journal = "sqlite", value = 2): Entry => ({
  date: "2026-11-02T09:10:00.000Z",
  machine,
  journal,
  section: {
    scenario,
    title: `Title of ${scenario}`,
    method: "How.",
    columns: ["server", "figure"],
    rows: [["Parley", String(value)]],
    verdicts: judge(`figure of ${scenario}`, value, "×", { least: 1.5 }),
    notes: ["* A note."],
    checkedDeliveries: 1234,
    points: [
      { target: "Parley", x: 20, y: 10 * value },
      { target: "ws", x: 20, y: 1000 }
    ]
  }
})

it("What was run again takes the place of what was measured before; the rest stays, in the scenarios' order", () => {
  const record = [entry("closed"), entry("open")]
  const renewed = withEntries(record, [entry("closed", "sqlite", 3), entry("closed", "mongodb")], ["open", "closed"])
  expect(renewed.map(({ journal, section }) => `${section.scenario} ${journal} ${section.rows[0]?.[1]}`)).toEqual([
    "open sqlite 2",
    "closed sqlite 3",
    "closed mongodb 2"
  ])
})

it("Figures are written between their marks, with their bounds, and nothing else of the document changes", () => {
  const before =
    "# Title\n\n<!-- figures: written by `npm run bench -- --write-docs` -->\nold\n<!-- end of figures -->\n\nend\n"
  const after = withFigures(before, [entry("closed"), entry("open", "mongodb", 1)])
  expect(after).toMatch(/^# Title\n\n<!-- figures/)
  expect(after).toMatch(/<!-- end of figures -->\n\nend\n$/)
  expect(after).not.toContain("old")
  expect(after).toContain("| figure of closed | 2.00 × | at least 1.5 × | pass |")
  expect(after).toContain("| figure of open (mongodb) | 1.00 × | at least 1.5 × | **short** |")
  expect(after).toContain("| server | figure |\n|---|--:|\n| Parley | 2 |")
  expect(withFigures(after, [entry("closed"), entry("open", "mongodb", 1)])).toBe(after)
  expect(() => withFigures("# Nothing", [])).toThrow("lacks")
})

it("The chart is an SVG with a panel a scenario that has points", () => {
  const svg = chart([entry("closed"), entry("open"), { ...entry("idle") }])
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  expect(svg).toContain("Deliveries a second, one room")
  expect(svg).toContain("p99 latency, ms, at rates")
  expect(svg).not.toContain("Messages a second, 200 rooms")
})
