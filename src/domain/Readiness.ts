import { Context, Layer } from "effect"

/** Why this process should get no new work: `check` is a dependency or a phase (`journal`, `users`, `draining`, `starting`). */
export interface Problem {
  readonly check: string
  readonly problem: string
}

/** What `/readyz` says. Ready is: no problem. */
export class Readiness extends Context.Service<
  Readiness,
  {
    readonly problems: () => ReadonlyArray<Problem>
    /** `undefined` clears the check. */
    readonly set: (check: string, problem: string | undefined) => void
  }
>()("parley/domain/Readiness") {
  static readonly layer = Layer.sync(Readiness, () => {
    const problems = new Map<string, string>()
    return {
      problems: () => Array.from(problems, ([check, problem]) => ({ check, problem })),
      set: (check, problem) => {
        if (problem === undefined) problems.delete(check)
        else problems.set(check, problem)
      }
    }
  })
}
