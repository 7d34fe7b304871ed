import { describe, expect, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Journal } from "../../src/ports/Journal.ts"
import { MessageHistory } from "../../src/ports/MessageHistory.ts"
import { at, message, room } from "../support/Events.ts"

const a = room("a")
const head = 25
const log = Array.from({ length: head }, (_, index) => ({ seq: at(index + 1), event: message(`${index + 1}`) }))

const seqs = (query: { limit: number; before?: number; after?: number }) =>
  Effect.gen(function* () {
    const history = yield* MessageHistory
    const page = yield* history.page({
      room: a,
      limit: query.limit,
      before: query.before === undefined ? undefined : at(query.before),
      after: query.after === undefined ? undefined : at(query.after)
    })
    expect(page.head).toBe(head)
    expect(page.entries).toEqual(log.filter((entry) => page.entries.some(({ seq }) => seq === entry.seq)))
    return page.entries.map((entry) => entry.seq)
  })

/** What every read model promises, on a room of 25 entries and an empty one. `layer` gives the model and the journal it follows. */
export const messageHistoryContract = (name: string, adapter: Layer.Layer<MessageHistory | Journal, unknown>): void => {
  const filled = Effect.gen(function* () {
    const journal = yield* Journal
    for (let first = 0; first < head; first += 5) {
      const batch = log.slice(first, first + 5).map((entry) => entry.event)
      yield* journal.append(a, at(first), batch)
    }
  })
  describe(`MessageHistory on ${name}`, () => {
    layer(Layer.effectDiscard(filled).pipe(Layer.provideMerge(adapter)))((it) => {
      it.effect("an empty room has an empty page and head 0", () =>
        Effect.gen(function* () {
          const history = yield* MessageHistory
          expect(yield* history.page({ room: room("empty"), limit: 10 })).toEqual({ entries: [], head: 0 })
        })
      )

      it.effect("without a position the page is the newest one, oldest first", () =>
        Effect.gen(function* () {
          expect(yield* seqs({ limit: 3 })).toEqual([23, 24, 25])
          expect(yield* seqs({ limit: 1_000 })).toEqual(log.map((entry) => entry.seq))
        })
      )

      it.effect("before a position the page ends right before it", () =>
        Effect.gen(function* () {
          expect(yield* seqs({ limit: 3, before: 10 })).toEqual([7, 8, 9])
          expect(yield* seqs({ limit: 3, before: 3 })).toEqual([1, 2])
          expect(yield* seqs({ limit: 3, before: 1 })).toEqual([])
          expect(yield* seqs({ limit: 2, before: 100 })).toEqual([24, 25])
        })
      )

      it.effect("after a position the page begins right after it", () =>
        Effect.gen(function* () {
          expect(yield* seqs({ limit: 3, after: 10 })).toEqual([11, 12, 13])
          expect(yield* seqs({ limit: 3, after: 0 })).toEqual([1, 2, 3])
          expect(yield* seqs({ limit: 3, after: 24 })).toEqual([25])
          expect(yield* seqs({ limit: 3, after: 25 })).toEqual([])
          expect(yield* seqs({ limit: 3, after: 100 })).toEqual([])
        })
      )

      it.effect("with both it begins after the one and stops before the other", () =>
        Effect.gen(function* () {
          expect(yield* seqs({ limit: 10, after: 5, before: 9 })).toEqual([6, 7, 8])
          expect(yield* seqs({ limit: 2, after: 5, before: 9 })).toEqual([6, 7])
          expect(yield* seqs({ limit: 2, after: 9, before: 9 })).toEqual([])
        })
      )

      it.effect.prop(
        "paging backwards with any limit sees every entry once",
        [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))],
        ([limit]) =>
          Effect.gen(function* () {
            let seen: ReadonlyArray<number> = []
            for (;;) {
              const page = yield* seqs(seen[0] === undefined ? { limit } : { limit, before: seen[0] })
              if (page.length === 0) break
              seen = [...page, ...seen]
            }
            expect(seen).toEqual(log.map((entry) => entry.seq))
          }),
        { arbitrary: { runs: 20 } }
      )
    })
  })
}
