/** What a figure must be: `least` or `most`, in the figure's unit. */
export type Bound = { readonly least: number } | { readonly most: number }

/** A figure beside its bound. */
export interface Verdict {
  /** What was measured, in words. */
  readonly what: string
  readonly value: number
  /** `×` for a ratio; else the unit. */
  readonly unit: string
  readonly bound: Bound
  readonly passed: boolean
  /** The least and the greatest of the pairs that make the figure, where it has pairs. */
  readonly range: readonly [number, number] | undefined
}

/** Within this share of the bound a few turns do not tell which side a figure is on. */
const near = 0.15

/** Undefined where the figure could not be had: something was not measured, or left out by choice. */
export const judge = (
  what: string,
  value: number | undefined,
  unit: string,
  bound: Bound,
  range?: readonly [number, number]
): ReadonlyArray<Verdict> => {
  if (value === undefined || Number.isNaN(value)) return []
  const passed = "least" in bound ? value >= bound.least : value <= bound.most
  return [{ what, value, unit, bound, passed, range }]
}

export const isClose = ({ bound, value }: Verdict): boolean => {
  const limit = "least" in bound ? bound.least : bound.most
  return Math.abs(value - limit) <= near * Math.abs(limit)
}
