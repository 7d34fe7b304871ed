import type { Verdict } from "./Verdict.ts"

/** A point of the chart. */
export interface Point {
  readonly target: string
  readonly x: number
  readonly y: number
}

/** What one scenario found, ready to be shown; all of it is JSON. */
export interface Section {
  readonly scenario: string
  readonly title: string
  /** How it was measured: whole sentences. */
  readonly method: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly verdicts: ReadonlyArray<Verdict>
  /** What a reader must know to trust the figures, or not to: whole sentences. */
  readonly notes: ReadonlyArray<string>
  /** Every one of these was compared with its room's log. */
  readonly checkedDeliveries: number
  readonly points: ReadonlyArray<Point>
  /** Every turn's figures. */
  readonly turns: ReadonlyArray<unknown>
}
