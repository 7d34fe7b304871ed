import { Context, Deferred, Effect, Layer } from "effect"
import { Journal, JournalError } from "../../src/ports/Journal.ts"
import { appendingBy } from "./AppendingJournal.ts"

type Append = Journal["Service"]["append"]

/** An append that was let in and is not over yet. */
interface Held {
  /** Completes when the append has been called. */
  readonly called: Effect.Effect<void>
}

const unknown = new JournalError({ reason: "Unknown", detail: "the store did not answer in time" })

/** What the next appends meet, in the order of the commands; one append each. Without a command an append is the journal's own. */
export class JournalFaults extends Context.Service<
  JournalFaults,
  {
    /** `Refused`, nothing stored. */
    readonly refuseNext: Effect.Effect<Held>
    /** `Unknown`, and nothing is ever stored. */
    readonly loseNext: Effect.Effect<Held>
    /** `Unknown`, but all of it was stored. */
    readonly storeNextUnanswered: Effect.Effect<Held>
    /** `Unknown`, but so many of its events were stored: a prefix. */
    readonly storePrefixOfNext: (events: number) => Effect.Effect<Held>
    /** `Unknown` at once; the write is still on its way and reaches the store when `land` is run. */
    readonly delayNext: Effect.Effect<Held & { readonly land: Effect.Effect<void> }>
    /** Not answered, nor stored, before `release` is run; then as usual. */
    readonly holdNext: Effect.Effect<Held & { readonly release: Effect.Effect<void> }>
  }
>()("parley/test/JournalFaults") {}

/** Any journal, made unreliable on command. Reads are untouched. */
export const layer = <E, R>(reliable: Layer.Layer<Journal, E, R>): Layer.Layer<Journal | JournalFaults, E, R> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const journal = yield* Journal
      const faults: Array<(...submitted: Parameters<Append>) => ReturnType<Append>> = []

      const append: Append = (...submitted) =>
        Effect.suspend(() => {
          const fault = faults.shift()
          return fault === undefined ? journal.append(...submitted) : fault(...submitted)
        })

      const next = (fault: Append): Effect.Effect<Held> =>
        Effect.gen(function* () {
          const called = yield* Deferred.make<void>()
          faults.push((...submitted) => Effect.andThen(Deferred.succeed(called, undefined), fault(...submitted)))
          return { called: Deferred.await(called) }
        })

      return Context.make(Journal, appendingBy(journal, append)).pipe(
        Context.add(JournalFaults, {
          refuseNext: next(() => Effect.fail(new JournalError({ reason: "Refused", detail: "the disk is full" }))),
          loseNext: next(() => Effect.fail(unknown)),
          storeNextUnanswered: next((...submitted) =>
            Effect.andThen(journal.append(...submitted), Effect.fail(unknown))
          ),
          storePrefixOfNext: (size) =>
            next((room, head, events) =>
              Effect.andThen(journal.append(room, head, events.slice(0, size)), Effect.fail(unknown))
            ),
          delayNext: Effect.gen(function* () {
            const late = yield* Deferred.make<Parameters<Append>>()
            const held = yield* next((...submitted) =>
              Effect.andThen(Deferred.succeed(late, submitted), Effect.fail(unknown))
            )
            // Where the log went on meanwhile, the late write is fenced, as a store would do it.
            const land = Effect.flatMap(Deferred.await(late), (submitted) => Effect.exit(journal.append(...submitted)))
            return { ...held, land: Effect.asVoid(land) }
          }),
          holdNext: Effect.gen(function* () {
            const released = yield* Deferred.make<void>()
            const held = yield* next((...submitted) =>
              Effect.andThen(Deferred.await(released), journal.append(...submitted))
            )
            return { ...held, release: Effect.asVoid(Deferred.succeed(released, undefined)) }
          })
        })
      )
    })
  ).pipe(Layer.provide(reliable))
