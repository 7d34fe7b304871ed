/** One promise, and what was measured of it. */
export interface Measurement {
  readonly promise: string
  /** In words: "at most 5 s". */
  readonly bound: string
  readonly measured: string
  readonly kept: boolean
}

/** A promise about time or memory, which a script measures and no test asserts. */
export interface Scenario {
  readonly name: string
  readonly about: string
  readonly run: (options: ScenarioOptions) => Promise<ReadonlyArray<Measurement>>
}

export interface ScenarioOptions {
  /** Connects of the leak scenario. */
  readonly connects: number
  /** Of each part of the storm scenario. */
  readonly seconds: number
  readonly say: (progress: string) => void
}

export const middle = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

/** Nearest rank; `share` from 0 to 1. */
export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((one, other) => one - other)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? NaN
