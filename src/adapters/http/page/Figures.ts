/** How a figure is written. `share` is in per cent, `span` in seconds. */
export type Unit = "bytes" | "count" | "millis" | "rate" | "share" | "span"

export interface Line {
  /** Where the figure stands in a reading of the monitor, member by member. */
  readonly path: string
  readonly label: string
}

export interface Chart {
  readonly title: string
  readonly unit: Unit
  readonly lines: ReadonlyArray<Line>
  /** What leads, and is shown larger. */
  readonly leads?: true
}

/** The monitor's charts. The page's script takes paths and units from the shell, which is made of this. */
export const charts: ReadonlyArray<Chart> = [
  { title: "Messages a second", unit: "rate", leads: true, lines: [{ path: "parley.messages_per_s", label: "now" }] },
  {
    title: "Deliveries a second",
    unit: "rate",
    leads: true,
    lines: [{ path: "parley.deliveries_per_s", label: "now" }]
  },
  { title: "Sockets", unit: "count", lines: [{ path: "parley.sockets", label: "now" }] },
  {
    title: "Commit",
    unit: "millis",
    lines: [
      { path: "parley.commit_ms.p50", label: "p50" },
      { path: "parley.commit_ms.p99", label: "p99" }
    ]
  },
  {
    title: "Fan-out",
    unit: "millis",
    lines: [
      { path: "parley.fan_out_ms.p50", label: "p50" },
      { path: "parley.fan_out_ms.p99", label: "p99" }
    ]
  },
  {
    title: "Event-loop lag",
    unit: "millis",
    lines: [
      { path: "parley.event_loop_lag_ms.mean", label: "mean" },
      { path: "parley.event_loop_lag_ms.p99", label: "p99" }
    ]
  },
  {
    title: "CPU",
    unit: "share",
    lines: [
      { path: "pid.cpu", label: "server" },
      { path: "os.cpu", label: "machine" }
    ]
  },
  { title: "Memory", unit: "bytes", lines: [{ path: "pid.ram", label: "now" }] }
]

export interface Fact {
  readonly title: string
  readonly unit: Unit
  readonly path: string
  /** The whole that the figure is a part of. */
  readonly of?: string
}

/** What needs no chart. */
export const facts: ReadonlyArray<Fact> = [
  { title: "Up for", unit: "span", path: "parley.uptime_s" },
  { title: "Messages since the start", unit: "count", path: "parley.messages" },
  { title: "Rooms in memory", unit: "count", path: "parley.rooms" },
  { title: "Rejected", unit: "count", path: "parley.rejections" },
  { title: "Too slow, cut", unit: "count", path: "parley.slow_consumers" },
  { title: "Commits a second", unit: "rate", path: "parley.commits_per_s" },
  { title: "Machine’s load", unit: "rate", path: "os.load_avg" },
  { title: "Machine’s memory", unit: "bytes", path: "os.ram", of: "os.total_ram" }
]

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"]

const bytes = (value: number): string => {
  const power = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)))
  const shown = value / 1024 ** power
  return `${shown.toFixed(shown < 10 && power > 0 ? 1 : 0)} ${byteUnits[power] ?? ""}`
}

const span = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1) return `${Math.floor(seconds)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The page's script has the same in `format.js`. */
export const written: Readonly<Record<Unit, (value: number) => string>> = {
  bytes,
  count: (value) => whole.format(value),
  millis: (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)} ms`,
  rate: (value) => (value < 100 ? tenths.format(value) : whole.format(value)),
  share: (value) => `${tenths.format(value)} %`,
  span
}

/** The figure at a path of a reading; `undefined` where there is none. */
export const figureAt = (reading: unknown, path: string): number | undefined => {
  let value: unknown = reading
  for (const member of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined
    value = Reflect.get(value, member)
  }
  return typeof value === "number" ? value : undefined
}
