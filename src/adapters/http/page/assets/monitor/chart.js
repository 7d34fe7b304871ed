import uPlot from "uplot"
import { brief, timeOfDay } from "./format.js"
import { keptMillis } from "./readings.js"

/** @import { Unit } from "./format.js" */
/** @import { Palette } from "./palette.js" */

/** A chart shows at least so much time, so that the first readings do not fill it. Seconds. */
const leastSpan = 60

/** The top of an empty chart: a figure that is nothing is at the bottom, not in the middle. */
const leastTop = { bytes: 2 ** 20, count: 4, millis: 1, rate: 4, share: 10, span: 1 }

/** Room for what stands at the left edge. Pixels. */
const edge = { bytes: 58, count: 42, millis: 54, rate: 42, share: 46, span: 46 }

/** Bytes are counted in powers of two. */
const powersOfTwo = Array.from({ length: 40 }, (_, power) => 2 ** power)

const withAlpha = (color, alpha) => `color-mix(in srgb, ${color} ${alpha}%, transparent)`

/** One card's chart. Its colours are asked for at every drawing, so that another theme needs no new chart. */
export class Chart {
  /** @type {Palette} */
  palette
  #plot
  #holder

  /**
   * @param {HTMLElement} holder
   * @param {object} options
   * @param {Unit} options.unit
   * @param {readonly string[]} options.labels one for each line
   * @param {Palette} options.palette
   * @param {(index: number | null) => void} options.pointed at a reading, or at none any more
   */
  constructor(holder, { labels, palette, pointed, unit }) {
    this.palette = palette
    this.#holder = holder
    const axis = {
      stroke: () => this.palette.text,
      font: `11px ${palette.font}`,
      grid: { stroke: () => this.palette.grid, width: 1 },
      ticks: { show: false }
    }
    this.#plot = new uPlot(
      {
        ...this.#size(),
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          sync: { key: "parley" },
          drag: { setScale: false, x: false, y: false },
          points: { size: 7, width: 2, fill: () => this.palette.ground }
        },
        hooks: { setCursor: [(plot) => pointed(plot.cursor.idx ?? null)] },
        scales: {
          x: { range: (_plot, _low, high) => this.#span(high) },
          y: { range: (_plot, _low, high) => [0, Math.max(high * 1.12, leastTop[unit])] }
        },
        axes: [
          {
            ...axis,
            size: 28,
            gap: 8,
            space: 76,
            grid: { show: false },
            values: (_plot, splits) => splits.map((at) => timeOfDay(at * 1000))
          },
          {
            ...axis,
            ...(unit === "bytes" ? { incrs: powersOfTwo } : {}),
            size: edge[unit],
            gap: 6,
            space: 34,
            values: (_plot, splits) => splits.map((value) => brief[unit](value))
          }
        ],
        series: [
          {},
          ...labels.map((label, line) => ({
            label,
            width: 1.75,
            stroke: () => this.palette.lines[line],
            // The first line has a ground under it: it is told apart from the second by more than its colour.
            ...(line === 0 ? { fill: () => withAlpha(this.palette.lines[0], 14) } : {}),
            points: { show: false },
            spanGaps: false
          }))
        ]
      },
      [[], ...labels.map(() => [])],
      holder
    )
    new ResizeObserver(() => {
      if (holder.clientWidth > 0) this.#plot.setSize(this.#size())
    }).observe(holder)
  }

  /** @param {(number | null)[][]} columns */
  draw(columns) {
    this.#plot.setData(columns)
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.palette = palette
    this.#plot.redraw(false, true)
  }

  #size() {
    return { width: Math.max(1, this.#holder.clientWidth), height: Math.max(1, this.#holder.clientHeight) }
  }

  /** @param {number | null} high */
  #span(high) {
    const to = high ?? 0
    const first = this.#plot?.data[0][0] ?? to
    return [to - Math.min(keptMillis / 1000, Math.max(leastSpan, to - first)), to]
  }
}
