import { Effect, Layer, Schedule } from "effect"
import { Journal } from "../ports/Journal.ts"
import { Users } from "../ports/Users.ts"
import { Readiness } from "./Readiness.ts"

const probeEvery = "2 seconds"

/** No account has this name: it is too short. */
const nobody = "-"

/**
 * Asks the stores a small question every 2 s and tells `Readiness` whether they answer: so that a process without traffic knows, too, and is ready again
 * by itself when they are back. An outage is logged when it begins and when it ends.
 */
export const layer: Layer.Layer<never, never, Journal | Users | Readiness> = Layer.effectDiscard(
  Effect.gen(function* () {
    const journal = yield* Journal
    const users = yield* Users
    const readiness = yield* Readiness

    const probe = <A>(check: string, question: Effect.Effect<A, { readonly detail: string }>) => {
      // Not what `Readiness` says: who used the store meanwhile may have been faster to tell it.
      let isAway = false
      const report = (problem: string | undefined) =>
        Effect.suspend(() => {
          const wasAway = isAway
          isAway = problem !== undefined
          readiness.set(check, problem)
          if (isAway === wasAway) return Effect.void
          return isAway ? Effect.logWarning(`${check}: away`, { problem }) : Effect.logInfo(`${check}: back`)
        })
      return question.pipe(
        Effect.matchEffect({ onFailure: ({ detail }) => report(detail), onSuccess: () => report(undefined) }),
        Effect.repeat(Schedule.spaced(probeEvery)),
        Effect.forkScoped
      )
    }

    yield* probe("journal", journal.ping)
    yield* probe("users", users.findByUsername(nobody))
  })
)
