import type { Section } from "./Section.ts"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly os: string
  readonly node: string
}

/** A section as it is kept: when, where and on which journal it was measured, without the single turns. */
export interface Entry {
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly journal: string
  readonly section: Omit<Section, "turns"> & { readonly turns?: undefined }
}

/** What was measured last of every scenario and journal. Ratios never mix runs: each section is of one. */
export type Record = ReadonlyArray<Entry>

/** `entries` take the place of what the record has of the same scenario and journal; `order` is the scenarios' order. */
export const withEntries = (record: Record, entries: ReadonlyArray<Entry>, order: ReadonlyArray<string>): Record => {
  const key = ({ journal, section }: Entry) => `${journal} ${section.scenario}`
  const renewed = new Set(entries.map(key))
  const rank = ({ section }: Entry) => order.indexOf(section.scenario)
  return [...record.filter((entry) => !renewed.has(key(entry))), ...entries].toSorted(
    (a, b) => rank(a) - rank(b) || b.journal.localeCompare(a.journal)
  )
}
