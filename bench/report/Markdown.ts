import { withUnit } from "./Format.ts"
import type { Machine, Record } from "./Record.ts"
import { boundText } from "./Table.ts"

const begin = "<!-- figures: written by `npm run bench -- --write-docs` -->"
const end = "<!-- end of figures -->"

/** `document` with the figures between its two marks renewed. Throws where the marks are not there. */
export const withFigures = (document: string, record: Record): string => {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the document lacks ${begin} … ${end}`)
  return `${document.slice(0, from)}${begin}\n\n${figures(record)}\n\n${document.slice(to)}`
}

const figures = (record: Record): string => [bounds(record), ...record.map(chapter)].join("\n\n")

const bounds = (record: Record): string =>
  [
    "| figure | measured | bound | |",
    "|---|--:|--:|---|",
    ...record.flatMap(({ journal, section }) =>
      section.verdicts.map(({ bound, passed, unit, value, what }) => {
        const on = journal === "sqlite" ? "" : ` (${journal})`
        return `| ${what}${on} | ${withUnit(value, unit)} | ${boundText(bound, unit)} | ${passed ? "pass" : "**short**"} |`
      })
    )
  ].join("\n")

const chapter = ({ date, journal, machine, section }: Record[number]): string =>
  [
    `### ${section.title}${journal === "sqlite" ? "" : ` (${journal})`}`,
    section.method,
    [
      `| ${section.columns.join(" | ")} |`,
      `|---|${section.columns
        .slice(1)
        .map(() => "--:")
        .join("|")}|`,
      ...section.rows.map((row) => `| ${row.join(" | ")} |`)
    ].join("\n"),
    ...section.notes.map((note) => note.replace(/^\* /, "\\* ")),
    `${date.slice(0, 10)}; ${machineText(machine)}` +
      (section.checkedDeliveries === 0
        ? "."
        : `; ${section.checkedDeliveries.toLocaleString("en-US")} deliveries checked.`)
  ].join("\n\n")

/** Server and generator shared it. */
export const machineText = ({ cores, cpu, memoryBytes, node, os }: Machine): string =>
  `${cores} × ${cpu}, ${Math.round(memoryBytes / 2 ** 30)} GiB, ${os}, Node ${node}`
