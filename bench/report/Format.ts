/** How figures are written; a dash for what was not measured. */

export const thousands = (value: number | undefined): string =>
  value === undefined ? "–" : Math.round(value).toLocaleString("en-US")

/** One decimal below a hundred. */
export const figure = (value: number | undefined): string =>
  value === undefined ? "–" : Math.abs(value) < 100 ? value.toFixed(1) : thousands(value)

export const megabytes = (bytes: number | undefined): string => figure(bytes === undefined ? undefined : bytes / 1e6)

export const percent = (value: number | undefined): string =>
  value === undefined ? "–" : `${Math.round(value * 100)} %`

/** A figure with its unit; two decimals for a small ratio. */
export const withUnit = (value: number, unit: string): string =>
  `${unit === "×" && Math.abs(value) < 10 ? value.toFixed(2) : figure(value)} ${unit}`
