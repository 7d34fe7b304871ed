/** NaN of nothing. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The median of a figure over turns; undefined where there is no turn, or one did not measure it. */
export const medianOf = <T>(turns: ReadonlyArray<T>, figure: (turn: T) => number | undefined): number | undefined => {
  const known = turns.map(figure).filter((value) => value !== undefined)
  return known.length < turns.length || known.length === 0 ? undefined : median(known)
}

/** How two figures compare. */
export interface Ratio {
  /** Median against median. */
  readonly value: number
  /** The least and the greatest of turns that were run directly after each other. */
  readonly range: readonly [number, number]
}

/** `own` over `peer`; undefined where one of them was not measured. Turns of one round belong together. */
export const ratioOf = <T extends { readonly round: number }>(
  own: ReadonlyArray<T>,
  peer: ReadonlyArray<T>,
  figure: (turn: T) => number | undefined
): Ratio | undefined => {
  const [above, below] = [medianOf(own, figure), medianOf(peer, figure)]
  if (above === undefined || below === undefined) return undefined
  const pairs = own.flatMap((turn) => {
    const other = peer.find(({ round }) => round === turn.round)
    const [a, b] = [figure(turn), other && figure(other)]
    return a === undefined || b === undefined ? [] : [a / b]
  })
  return { value: above / below, range: [Math.min(...pairs), Math.max(...pairs)] }
}
