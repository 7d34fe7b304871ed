import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as History from "../../../src/adapters/journal/MessageHistory.ts"
import { Epoch } from "../../../src/domain/Room.ts"
import { Journal, JournalError } from "../../../src/ports/Journal.ts"
import { MessageHistory } from "../../../src/ports/MessageHistory.ts"
import { messageHistoryContract } from "../../contract/MessageHistory.ts"
import { at, message, room } from "../../support/Events.ts"
import { memory, sqlite } from "../../support/Journals.ts"

for (const adapter of [memory, sqlite]) {
  messageHistoryContract(
    `the journal on ${adapter.name}`,
    Layer.provideMerge(History.layer, Layer.unwrap(adapter.empty))
  )
}

const entries = [8, 9, 10].map((seq) => ({ seq: at(seq), event: message(`${seq}`) }))
const tail: History.Tail = {
  head: at(10),
  entriesAfter: (after, limit) => (after < 7 ? undefined : entries.slice(after - 7, after - 7 + limit))
}
const silent = Effect.fail(new JournalError({ reason: "Refused", detail: "nothing may be asked" }))
/** A journal that answers no head and gives away what it was asked to read. */
const asked: Array<readonly [number, number]> = []
const journal = Layer.mock(Journal, {
  epoch: Epoch.make("mock"),
  submit: () => {},
  head: () => silent,
  read: (_, after, limit) => {
    asked.push([after, limit])
    return Effect.succeed([])
  }
})

it.effect("a page that the tail holds asks the journal nothing; one that it does not hold is read", () =>
  Effect.gen(function* () {
    const history = yield* MessageHistory
    const seqs = Effect.fnUntraced(function* (limit: number, before?: number, after?: number) {
      const page = yield* history.page({
        room: room("a"),
        limit,
        before: before === undefined ? undefined : at(before),
        after: after === undefined ? undefined : at(after)
      })
      expect(page.head).toBe(10)
      return page.entries.map((entry) => entry.seq)
    })
    expect(yield* seqs(2)).toEqual([9, 10])
    expect(yield* seqs(3)).toEqual([8, 9, 10])
    expect(yield* seqs(2, 10)).toEqual([8, 9])
    expect(yield* seqs(5, undefined, 8)).toEqual([9, 10])
    expect(yield* seqs(5, 10, 8)).toEqual([9])
    expect(yield* seqs(5, undefined, 10)).toEqual([])
    expect(asked).toEqual([])
    yield* seqs(4)
    yield* seqs(2, 9)
    expect(asked).toEqual([
      [6, 4],
      [6, 2]
    ])
  }).pipe(
    Effect.provide(
      Layer.provide(
        History.layerWithTail(() => tail),
        journal
      )
    )
  )
)
