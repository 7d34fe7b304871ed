import { Effect } from "effect"

/**
 * Hot path: what is logged for each socket or request of a crowd. Lines of one turn of the event loop are logged together, in order, by one fiber that `fork` starts: a fiber a
 * line costs more than the line.
 */
export const makeGatheredLog = (fork: (lines: Effect.Effect<void>) => void): ((line: Effect.Effect<void>) => void) => {
  let lines: Array<Effect.Effect<void>> = []
  const logAll = (): void => {
    const due = lines
    lines = []
    fork(Effect.forEach(due, (line) => line, { discard: true }))
  }
  return (line) => {
    if (lines.length === 0) setImmediate(logAll)
    lines.push(line)
  }
}
