import { BarChart, LineChart } from "echarts/charts"
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import type { Record } from "./Record.ts"
import type { Point } from "./Section.ts"

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const width = 1200
const height = 440

interface Panel {
  readonly scenario: string
  readonly title: string
  readonly x: string
  readonly kind: "bar" | "line"
}

const panels: ReadonlyArray<Panel> = [
  { scenario: "closed", title: "Deliveries a second, one room", x: "sockets", kind: "bar" },
  { scenario: "open", title: "p99 latency, ms, at rates that were kept up with", x: "messages a second", kind: "line" },
  { scenario: "rooms", title: "Messages a second, 200 rooms", x: "in flight a room", kind: "bar" }
]

const colours = ["#0b6e4f", "#c1666b", "#4a5899", "#d4a017"]

/**
 * The record's figures as SVG text, one panel a scenario that has points; logarithmic from top to bottom, since they lie orders of magnitude apart. Drawn by
 * ECharts, which renders to text without a DOM.
 */
export const chart = (record: Record): string => {
  const shown = panels.flatMap((panel) => {
    const points = record
      .filter(({ section }) => section.scenario === panel.scenario)
      .flatMap(({ section }) => section.points)
    return points.length === 0 ? [] : [{ ...panel, points }]
  })
  const targets = [...new Set(shown.flatMap(({ points }) => points.map(({ target }) => target)))]
  const part = 100 / Math.max(1, shown.length)
  const drawing = init(null, null, { renderer: "svg", ssr: true, width, height })
  drawing.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: colours,
    legend: { data: targets, bottom: 8 },
    title: shown.map(({ title }, index) => ({
      text: title,
      left: `${(index + 0.5) * part}%`,
      top: 12,
      textAlign: "center",
      textStyle: { fontSize: 15 }
    })),
    grid: shown.map((_, index) => ({
      left: `${index * part + 5}%`,
      width: `${part - 7}%`,
      top: 60,
      bottom: 100
    })),
    xAxis: shown.map(({ points, x }, index) => ({
      gridIndex: index,
      type: "category",
      data: valuesOf(points).map((value) => value.toLocaleString("en-US")),
      name: x,
      nameLocation: "middle",
      nameGap: 28
    })),
    yAxis: shown.map((_, index) => ({
      gridIndex: index,
      type: "log",
      axisLabel: { formatter: (value: number) => shortened(value) }
    })),
    series: shown.flatMap(({ kind, points }, index) =>
      targets
        .filter((target) => points.some((point) => point.target === target))
        .map((target) => ({
          name: target,
          type: kind,
          xAxisIndex: index,
          yAxisIndex: index,
          color: colours[targets.indexOf(target) % colours.length],
          symbolSize: 8,
          label: {
            show: true,
            position: "top",
            fontSize: 10,
            formatter: ({ value }: { readonly value: unknown }) => (typeof value === "number" ? shortened(value) : "")
          },
          data: valuesOf(points).map((x) => points.find((point) => point.target === target && point.x === x)?.y ?? null)
        }))
    )
  })
  const svg = drawing.renderToSVGString()
  drawing.dispose()
  return `${svg}\n`
}

const valuesOf = (points: ReadonlyArray<Point>): ReadonlyArray<number> =>
  [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b)

/** `4.9M`, `88k`, `23`. */
const shortened = (value: number): string => {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)}M`
  if (value >= 1e3) return `${(value / 1e3).toFixed(value < 1e4 ? 1 : 0)}k`
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}
