import { Effect } from "effect"
import { layer } from "../../src/adapters/sqlite/Journal.ts"
import { Journal } from "../../src/ports/Journal.ts"
import { at, message, room } from "./Events.ts"

/**
 * A program of its own, to be killed: appends to eight rooms of the SQLite journal in the directory that it is given, without end, and prints
 * `<room> <position>` when a position was acknowledged.
 */
const flood = (name: string) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    let head = yield* journal.head(room(name))
    for (;;) {
      const batch = Array.from({ length: (head % 3) + 1 }, (_, index) =>
        message(`${name} ${head + index + 1}`, { id: `${name}-${head + index + 1}` })
      )
      for (const placed of yield* journal.append(room(name), head, batch)) head = at(placed.seq)
      process.stdout.write(`${name} ${head}\n`)
    }
  })

await Effect.runPromise(
  Effect.all(["a", "b", "c", "d", "e", "f", "g", "h"].map(flood), { concurrency: "unbounded" }).pipe(
    Effect.provide(layer({ directory: process.argv[2] ?? "" }))
  )
)
