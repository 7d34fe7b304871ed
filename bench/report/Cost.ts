import type { Usage } from "../load/Meter.ts"
import { percent, megabytes } from "./Format.ts"
import { medianOf } from "./Median.ts"

/** Above this share of a core the generator itself may be what limits a figure, which is then a lower bound. */
const generatorBusy = 0.9
/** Above this share of a core something else on the machine spoils the figures. */
const othersBusy = 0.2

/** The columns that every table of a load has. */
export const costColumns: ReadonlyArray<string> = ["RSS MB", "server CPU", "generator CPU", "other CPU"]

export const costCells = (turns: ReadonlyArray<Usage>): ReadonlyArray<string> => {
  const generator = medianOf(turns, (turn) => turn.generatorCpuShare)
  return [
    megabytes(medianOf(turns, (turn) => turn.serverRssBytes)),
    percent(medianOf(turns, (turn) => turn.serverCpuSeconds && turn.serverCpuSeconds / turn.seconds)),
    percent(generator) + (generator !== undefined && generator > generatorBusy ? "*" : ""),
    percent(medianOf(turns, (turn) => turn.othersCpuShare))
  ]
}

/** What may have spoilt the figures; `groups` as the table's rows have them. */
export const costNotes = (groups: ReadonlyArray<ReadonlyArray<Usage>>): ReadonlyArray<string> => {
  const notes: Array<string> = []
  if (groups.some((turns) => (medianOf(turns, (turn) => turn.generatorCpuShare) ?? 0) > generatorBusy)) {
    notes.push("* The load generator had little time left: the server may be faster than this.")
  }
  const others = Math.max(0, ...groups.map((turns) => medianOf(turns, (turn) => turn.othersCpuShare) ?? 0))
  if (others > othersBusy) {
    notes.push(`Other programs took up to ${percent(others)} of a core meanwhile: run again when the machine is quiet.`)
  }
  return notes
}
