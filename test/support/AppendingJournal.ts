import { Effect } from "effect"
import type { Journal } from "../../src/ports/Journal.ts"

type Append = Journal["Service"]["append"]

/** A journal with another `append`; what is submitted goes there, too. */
export const appendingBy = (journal: Journal["Service"], append: Append): Journal["Service"] => ({
  ...journal,
  append,
  submit: (room, expectedHead, events, answered) => {
    Effect.runFork(Effect.map(Effect.result(append(room, expectedHead, events)), answered))
  }
})
