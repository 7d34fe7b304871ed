/**
 * One turn of every variant a round, each round begun by another one, so that a machine that warms up or slows down favours none. After `rounds` of them
 * more follow, up to `most`, while `isClose` says that the turns do not decide yet.
 */
export const takeTurns = async <V, T>(options: {
  readonly variants: ReadonlyArray<V>
  readonly rounds: number
  readonly most: number
  readonly isClose: (turns: ReadonlyArray<T>) => boolean
  readonly run: (variant: V, round: number) => Promise<T>
}): Promise<ReadonlyArray<T>> => {
  const { isClose, most, rounds, run, variants } = options
  const turns: Array<T> = []
  for (let round = 1; round <= rounds || (round <= most && isClose(turns)); round++) {
    const first = (round - 1) % Math.max(1, variants.length)
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) turns.push(await run(variant, round))
  }
  return turns
}
