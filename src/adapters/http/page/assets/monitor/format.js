// @ts-check
/** @typedef {"bytes" | "count" | "millis" | "rate" | "share" | "span"} Unit `share` is in per cent, `span` in seconds. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"]

/** @param {number} value */
const bytes = (value) => {
  const power = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)))
  const shown = value / 1024 ** power
  return `${shown.toFixed(shown < 10 && power > 0 ? 1 : 0)} ${byteUnits[power]}`
}

/** @param {number} seconds */
const span = (seconds) => {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1) return `${Math.floor(seconds)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/**
 * As the server writes the figures of the first paint.
 * @type {Readonly<Record<Unit, (value: number) => string>>}
 */
export const written = {
  bytes,
  count: (value) => whole.format(value),
  millis: (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)} ms`,
  rate: (value) => (value < 100 ? tenths.format(value) : whole.format(value)),
  share: (value) => `${tenths.format(value)} %`,
  span
}

/**
 * For the edge of a chart, where there is little room.
 * @type {Readonly<Record<Unit, (value: number) => string>>}
 */
export const brief = {
  bytes,
  count: (value) => short.format(value),
  millis: (value) => (value < 1000 ? `${tenths.format(value)} ms` : `${tenths.format(value / 1000)} s`),
  rate: (value) => short.format(value),
  share: (value) => `${whole.format(value)} %`,
  span
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })

/** @param {number} at milliseconds since 1970 */
export const timeOfDay = (at) => clock.format(at)
