import { Chart } from "./chart.js"
import { written } from "./format.js"
import { columns, figureAt, newest } from "./readings.js"

/** @import { Palette } from "./palette.js" */
/** @import { State } from "./readings.js" */

/** The charts and the facts of the shell, which says by its attributes what each of them shows. */
export class Cards {
  /** @type {{ chart: Chart, paths: string[] }[]} */
  #charts
  /** @type {{ place: Element, show: (reading: unknown) => string }[]} */
  #figures
  /** @type {State | undefined} */
  #state
  /** The reading that is pointed at, by its index; `null` for the newest. */
  #pointed = null
  #moment

  /** @param {Document} page @param {Palette} palette @param {(at: number | undefined) => void} moment the time that is pointed at */
  constructor(page, palette, moment) {
    this.#moment = moment
    this.#figures = Array.from(page.querySelectorAll("[data-path]"), (place) => {
      const { of, path, unit } = place.dataset
      const show = (reading) => {
        const value = figureAt(reading, path)
        if (value === null) return "–"
        const whole = of === undefined ? null : figureAt(reading, of)
        return whole === null ? written[unit](value) : `${written[unit](value)} of ${written[unit](whole)}`
      }
      return { place, show }
    })
    this.#charts = Array.from(page.querySelectorAll("[data-chart]"), (card) => {
      const lines = Array.from(card.querySelectorAll("[data-path]"))
      const chart = new Chart(card.querySelector(".plot"), {
        unit: card.dataset.chart,
        labels: lines.map(({ dataset }) => dataset.label),
        palette,
        pointed: (index) => this.#point(index)
      })
      return { chart, paths: lines.map(({ dataset }) => dataset.path) }
    })
  }

  /** @param {State} state */
  draw(state) {
    this.#state = state
    for (const { chart, paths } of this.#charts) chart.draw(columns(state, paths))
    this.#write()
  }

  /** @param {Palette} palette */
  recolour(palette) {
    for (const { chart } of this.#charts) chart.recolour(palette)
  }

  /** @param {number | null} index */
  #point(index) {
    if (index === this.#pointed) return
    this.#pointed = index
    this.#write()
  }

  #write() {
    if (this.#state === undefined) return
    const pointed = this.#pointed === null ? undefined : this.#state.points[this.#pointed]
    const shown = pointed?.reading === undefined ? newest(this.#state) : pointed
    this.#moment(pointed?.reading === undefined ? undefined : pointed.at)
    if (shown === undefined) return
    for (const { place, show } of this.#figures) {
      const text = show(shown.reading)
      if (place.textContent !== text) place.textContent = text
    }
  }
}
