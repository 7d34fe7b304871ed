import type { Ratio, Row, Summary } from "./Summary.ts"

/** Above this share of a core the generator itself may be what limits a figure, which is then a lower bound. */
const generatorBusy = 0.9
/** Above this share of a core something else on the machine spoils the figures. */
const othersBusy = 0.2

type Column = readonly [title: string, cell: (row: Row) => string]

/** The figures as text for a terminal; `labels` by target. */
export const table = (summary: Summary, labels: ReadonlyMap<string, string>): string => {
  const label = (target: string): string => labels.get(target) ?? target
  const columns: ReadonlyArray<Column> = [
    ["sockets", (row) => thousands(row.sockets)],
    ["server", (row) => label(row.target)],
    ["deliveries/s", (row) => thousands(row.deliveriesPerSecond)],
    ["messages/s", (row) => thousands(row.messagesPerSecond)],
    ["p50 ms", (row) => figure(row.receiversP50)],
    ["p99 ms", (row) => figure(row.receiversP99)],
    ["RSS MB", (row) => figure(row.rssBytes && row.rssBytes / 1e6)],
    ["server CPU", (row) => percent(row.serverCpuShare)],
    ["deliveries/CPU-s", (row) => thousands(row.deliveriesPerCpuSecond)],
    ["generator CPU", (row) => percent(row.generatorCpuShare) + (row.generatorCpuShare > generatorBusy ? "*" : "")],
    ["other CPU", (row) => percent(row.othersCpuShare)]
  ]
  const lines = [columns.map(([title]) => title), ...summary.rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  const text = lines.map((line) => line.map((cell, index) => pad(cell, widths[index] ?? 0, index === 1)).join("  "))
  text.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "))
  if (summary.rows.some((row) => row.generatorCpuShare > generatorBusy)) {
    text.push("* the load generator had little time left: the server may be faster than this.")
  }
  const others = Math.max(0, ...summary.rows.map((row) => row.othersCpuShare ?? 0))
  if (others > othersBusy) {
    text.push(`Other programs took up to ${percent(others)} of a core meanwhile: run again when the machine is quiet.`)
  }
  return [...text, "", ...summary.ratios.map((ratio) => sentence(ratio, label))].join("\n")
}

const sentence = (ratio: Ratio, label: (target: string) => string): string =>
  `${thousands(ratio.sockets)} sockets: ${label(ratio.target)} delivers ${times(ratio.deliveries)} what ${label(ratio.peer)} delivers ` +
  `(turn by turn ${times(ratio.least)} to ${times(ratio.greatest)}` +
  `${ratio.perCpuSecond === undefined ? "" : `; per CPU-second of the server ${times(ratio.perCpuSecond)}`}).`

const pad = (cell: string, width: number, left: boolean): string => (left ? cell.padEnd(width) : cell.padStart(width))
const thousands = (value: number | undefined): string =>
  value === undefined ? "–" : Math.round(value).toLocaleString("en-US")
const figure = (value: number | undefined): string =>
  value === undefined ? "–" : value < 100 ? value.toFixed(1) : thousands(value)
const percent = (value: number | undefined): string => (value === undefined ? "–" : `${Math.round(value * 100)} %`)
const times = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ×`
