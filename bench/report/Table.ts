import { withUnit } from "./Format.ts"
import type { Section } from "./Section.ts"
import type { Bound, Verdict } from "./Verdict.ts"

/** A section as text for a terminal. */
export const text = (section: Section): string =>
  [
    section.title,
    ...textTable(section.columns, section.rows),
    ...section.verdicts.map((verdict) => `  ${verdict.passed ? "pass " : "SHORT"}  ${sentence(verdict)}`),
    ...section.notes.map((note) => `  ${note}`)
  ].join("\n")

/** `what: 48.2 × (at least 45 ×; turn by turn 47.0 to 50.1)`. */
const sentence = (verdict: Verdict): string => {
  const { bound, range, unit, value, what } = verdict
  const pairs = range === undefined ? "" : `; turn by turn ${withUnit(range[0], unit)} to ${withUnit(range[1], unit)}`
  return `${what}: ${withUnit(value, unit)} (${boundText(bound, unit)}${pairs})`
}

export const boundText = (bound: Bound, unit: string): string =>
  "least" in bound ? `at least ${bound.least} ${unit}` : `at most ${bound.most} ${unit}`

/** The first column is aligned left, figures right. */
const textTable = (
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> => {
  const lines = [columns, ...rows]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  const padded = lines.map((line) =>
    line
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ")
  )
  return [padded[0] ?? "", widths.map((width) => "─".repeat(width)).join("  "), ...padded.slice(1)]
}
