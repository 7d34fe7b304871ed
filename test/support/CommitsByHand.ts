import { Context, Deferred, Effect, Layer } from "effect"
import type { RoomName } from "../../src/domain/Room.ts"
import { Journal } from "../../src/ports/Journal.ts"
import { appendingBy } from "./AppendingJournal.ts"

/** What one room has in a commit. */
interface Part {
  readonly room: RoomName
  readonly messages: number
}

interface Submitted extends Part {
  readonly committed: Deferred.Deferred<void>
}

/** A commit that has begun: what is submitted from now on is in a later one. */
interface Commit {
  readonly parts: ReadonlyArray<Part>
  readonly finish: Effect.Effect<void>
}

/** The commits of a journal, one at a time, as the test says: as a store that groups what comes while its disk is busy. */
export class CommitsByHand extends Context.Service<
  CommitsByHand,
  {
    /** Begins a commit of all that was submitted and is in none; waits until there is something. */
    readonly begin: Effect.Effect<Commit>
  }
>()("parley/test/CommitsByHand") {}

/** Any journal; its appends wait for a commit. */
export const layer = <E, R>(journal: Layer.Layer<Journal, E, R>): Layer.Layer<Journal | CommitsByHand, E, R> =>
  Layer.effectContext(
    Effect.map(Journal, (journal) => {
      let waiting: Array<Submitted> = []
      let arrival = Deferred.makeUnsafe<void>()

      const append: Journal["Service"]["append"] = (room, head, events) =>
        Effect.suspend(() => {
          const committed = Deferred.makeUnsafe<void>()
          waiting.push({ room, messages: events.length, committed })
          Deferred.doneUnsafe(arrival, Effect.void)
          return Effect.andThen(Deferred.await(committed), journal.append(room, head, events))
        })

      const begin = Effect.gen(function* () {
        yield* Deferred.await(arrival)
        const parts = waiting
        waiting = []
        arrival = Deferred.makeUnsafe<void>()
        const finish = Effect.sync(() => {
          for (const { committed } of parts) Deferred.doneUnsafe(committed, Effect.void)
        })
        return { parts: parts.map(({ messages, room }) => ({ room, messages })), finish }
      })

      return Context.make(Journal, appendingBy(journal, append)).pipe(Context.add(CommitsByHand, { begin }))
    })
  ).pipe(Layer.provide(journal))
