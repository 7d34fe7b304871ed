import { timeOfDay, written } from "./format.js"
import { figureAt, sparse, summary } from "./readings.js"

/** @import { State } from "./readings.js" */

const everyMillis = 10_000
const rows = 12

const cellsOf = (table, texts) => {
  const cells = Array.from(table)
  texts.forEach((text, index) => {
    if (cells[index].textContent !== text) cells[index].textContent = text
  })
}

/** The charts as tables, whose rows and heads are the shell's. */
export const drawTables = (/** @type {Document} */ page, /** @type {State} */ state) => {
  for (const row of page.querySelectorAll("#summary tr[data-row]")) {
    const found = summary(state, row.dataset.row)
    if (found === undefined) continue
    const write = written[row.dataset.unit]
    cellsOf(row.querySelectorAll("td"), [found.now, found.lowest, found.mean, found.highest].map(write))
  }

  const heads = Array.from(page.querySelectorAll("#course th[data-column]"))
  page.querySelector("#course tbody").replaceChildren(
    ...sparse(state, everyMillis, rows).map(({ at, reading }) => {
      const row = document.createElement("tr")
      const time = document.createElement("th")
      time.scope = "row"
      time.textContent = timeOfDay(at)
      row.append(
        time,
        ...heads.map(({ dataset }) => {
          const cell = document.createElement("td")
          cell.className = "figure"
          const value = figureAt(reading, dataset.column)
          cell.textContent = value === null ? "–" : written[dataset.unit](value)
          return cell
        })
      )
      return row
    })
  )
}
