import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { withFigures } from "./Markdown.ts"
import { withEntries } from "./Record.ts"
import type { Entry, Record } from "./Record.ts"

const file = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url))

/** Renews what `docs/performance.md`, its chart and its JSON say of the scenarios that were run; the others stay as they were measured. */
export const writeDocs = async (entries: ReadonlyArray<Entry>, order: ReadonlyArray<string>): Promise<void> => {
  // Only now: a run without it need not load a chart library.
  const { chart } = await import("./Chart.ts")
  const json = file("performance.json")
  const before: Record = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : []
  const record = withEntries(before, entries, order)
  const document = file("performance.md")
  writeFileSync(document, withFigures(readFileSync(document, "utf8"), record))
  writeFileSync(file("performance.svg"), chart(record))
  writeFileSync(json, `${JSON.stringify(record, null, 2)}\n`)
}
