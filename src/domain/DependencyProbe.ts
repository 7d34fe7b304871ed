import { Effect, Layer, Schedule } from "effect"
import { Journal } from "../ports/Journal.ts"
import { Users } from "../ports/Users.ts"
import { Readiness } from "./Readiness.ts"
import { defaultRoom } from "./Room.ts"

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

    const report = (check: string, problem: string | undefined) =>
      Effect.suspend(() => {
        const before = readiness.problems().find((known) => known.check === check)
        readiness.set(check, problem)
        if (problem !== undefined) {
          return before === undefined ? Effect.logWarning(`${check} cannot be reached`, { problem }) : Effect.void
        }
        return before === undefined ? Effect.void : Effect.logInfo(`${check} can be reached again`)
      })

    const probe = <A>(check: string, question: Effect.Effect<A, { readonly detail: string }>) =>
      question.pipe(
        Effect.matchEffect({
          onFailure: ({ detail }) => report(check, detail),
          onSuccess: () => report(check, undefined)
        }),
        Effect.repeat(Schedule.spaced(probeEvery)),
        Effect.forkScoped
      )

    yield* probe("journal", journal.head(defaultRoom))
    yield* probe("users", users.findByUsername(nobody))
  })
)
