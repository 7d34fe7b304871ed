import { Context, Layer } from "effect"

/** Why this process should get no new work: `check` is a dependency or a phase (`journal`, `users`, `draining`, `starting`). */
export interface Problem {
  readonly check: string
  readonly problem: string
}

/** `problem` is `undefined` where all is well. */
export interface Check {
  readonly check: string
  readonly problem: string | undefined
}

/** What `/readyz` says. Ready is: no problem. */
export class Readiness extends Context.Service<
  Readiness,
  {
    readonly problems: () => ReadonlyArray<Problem>
    /** Everything that was ever judged, well or not: a dependency each, and phases. */
    readonly checks: () => ReadonlyArray<Check>
    /** `undefined` clears the check. */
    readonly set: (check: string, problem: string | undefined) => void
  }
>()("parley/domain/Readiness") {
  static readonly layer = Layer.sync(Readiness, () => {
    const checks = new Map<string, string | undefined>()
    const all = () => Array.from(checks, ([check, problem]) => ({ check, problem }))
    return {
      checks: all,
      problems: () => all().flatMap(({ check, problem }) => (problem === undefined ? [] : [{ check, problem }])),
      set: (check, problem) => {
        checks.set(check, problem)
      }
    }
  })
}
