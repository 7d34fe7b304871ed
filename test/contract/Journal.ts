import { describe, expect, it, layer } from "@effect/vitest"
import { Effect, Exit, Schema, Scope, Layer, Context } from "effect"
import { defaultRoom } from "../../src/domain/Room.ts"
import type { RoomEvent } from "../../src/domain/RoomEvent.ts"
import { Journal } from "../../src/ports/Journal.ts"
import { at, message, room } from "../support/Events.ts"
import type { JournalAdapter } from "../support/Journals.ts"

const a = room("a")
const b = room("b")

const placed = (seq: number) => ({ seq, earlier: undefined })
const repeated = (seq: number, event: RoomEvent) => ({ seq, earlier: { seq, event } })

/** What every journal promises (the port's docstring), run against one adapter. */
export const journalContract = (adapter: JournalAdapter): void => {
  const test = (name: string, body: Effect.Effect<void, unknown, Journal>) =>
    it.effect(name, () =>
      Effect.gen(function* () {
        const layer = yield* adapter.empty
        yield* Effect.provide(body, layer)
      })
    )

  const all = Effect.fnUntraced(function* (name = a) {
    const journal = yield* Journal
    return yield* journal.read(name, at(0), 1_000)
  })

  describe(`Journal on ${adapter.name}`, () => {
    test(
      "an empty room has head 0 and no entries",
      Effect.gen(function* () {
        const journal = yield* Journal
        expect(yield* journal.head(a)).toBe(0)
        expect(yield* all()).toEqual([])
      })
    )

    test(
      "answers a ping, and stores nothing for it",
      Effect.gen(function* () {
        const journal = yield* Journal
        yield* journal.ping
        expect(yield* journal.head(defaultRoom)).toBe(0)
      })
    )

    test(
      "positions are 1, 2, 3 … in the order of the appends, in each room by itself",
      Effect.gen(function* () {
        const journal = yield* Journal
        expect(yield* journal.append(a, at(0), [message("1"), message("2")])).toEqual([placed(1), placed(2)])
        expect(yield* journal.append(b, at(0), [message("other")])).toEqual([placed(1)])
        expect(yield* journal.append(a, at(2), [message("3", { id: "x" })])).toEqual([placed(3)])
        expect(yield* journal.head(a)).toBe(3)
        expect(yield* journal.head(b)).toBe(1)
        expect(yield* all()).toEqual([
          { seq: 1, event: message("1") },
          { seq: 2, event: message("2") },
          { seq: 3, event: message("3", { id: "x" }) }
        ])
      })
    )

    test(
      "an event is read as it was stored, whatever its payload and author",
      Effect.gen(function* () {
        const journal = yield* Journal
        const events: ReadonlyArray<RoomEvent> = [
          { ...message("x"), payload: null },
          { ...message("x"), payload: ["\u0000", "\ud800", "🙂", { "1": 1.5e300, "": false }] },
          { ...message("x"), payload: JSON.parse('{"__proto__":{"deep":[[[]]]}}') },
          { ...message("\u2028 ' \" \\"), author: { kind: "guest", name: "a\tb\u0000\udc00" } }
        ]
        yield* journal.append(a, at(0), events)
        expect((yield* all()).map((entry) => entry.event)).toStrictEqual(events)
      })
    )

    test(
      "a repeated client id is not stored, and its answer names the first entry, whatever the content",
      Effect.gen(function* () {
        const journal = yield* Journal
        const first = message("first", { id: "x" })
        yield* journal.append(a, at(0), [message("0"), first])
        const answer = yield* journal.append(a, at(2), [message("3"), message("changed", { id: "x" }), message("4")])
        expect(answer).toEqual([placed(3), repeated(2, first), placed(4)])
        expect(yield* journal.append(a, at(4), [first])).toEqual([repeated(2, first)])
        expect(yield* journal.head(a)).toBe(4)
      })
    )

    test(
      "a client id that is repeated inside one batch is stored once",
      Effect.gen(function* () {
        const journal = yield* Journal
        const first = message("first", { id: "x" })
        const batch = [message("0"), first, message("again", { id: "x" }), message("last", { id: "y" })]
        const answer = [placed(1), placed(2), repeated(2, first), placed(3)]
        expect(yield* journal.append(a, at(0), batch)).toEqual(answer)
        expect(yield* journal.append(a, at(0), batch)).toEqual(answer)
        expect(yield* journal.head(a)).toBe(3)
      })
    )

    test(
      "the same client id from another author, another kind of author or in another room is another message",
      Effect.gen(function* () {
        const journal = yield* Journal
        const answer = yield* journal.append(a, at(0), [
          message("1", { id: "x" }),
          message("2", { id: "x", from: "bob" }),
          message("3", { id: "x", kind: "guest" }),
          message("4", { id: "x", from: "account:ada" }),
          message("5", { id: "x", from: "a\ufffd" }),
          message("6", { id: "x", from: "a\ud800" })
        ])
        expect(answer).toEqual([1, 2, 3, 4, 5, 6].map(placed))
        expect(yield* journal.append(b, at(0), [message("1", { id: "x" })])).toEqual([placed(1)])
      })
    )

    test(
      "the very same append submitted again is answered as the first time, and stored once",
      Effect.gen(function* () {
        const journal = yield* Journal
        const old = message("old", { id: "old" })
        yield* journal.append(a, at(0), [old])
        const batch = [message("1"), old, message("2", { id: "x" }), message("1")]
        const answer = [placed(2), repeated(1, old), placed(3), placed(4)]
        expect(yield* journal.append(a, at(1), batch)).toEqual(answer)
        expect(yield* journal.append(a, at(1), batch)).toEqual(answer)
        yield* journal.append(a, at(4), [message("later")])
        expect(yield* journal.append(a, at(1), batch)).toEqual(answer)
        expect(yield* journal.head(a)).toBe(5)
      })
    )

    test(
      "where a prefix of a batch is there already, the rest is stored",
      Effect.gen(function* () {
        const journal = yield* Journal
        const batch = [message("1", { id: "x" }), message("2"), message("3", { id: "y" }), message("4", { id: "x" })]
        yield* journal.append(a, at(0), batch.slice(0, 2))
        const answer = [placed(1), placed(2), placed(3), repeated(1, message("1", { id: "x" }))]
        expect(yield* journal.append(a, at(0), batch)).toEqual(answer)
        expect((yield* all()).map((entry) => entry.event)).toEqual(batch.slice(0, 3))
      })
    )

    test(
      "an append after another head is fenced, and stores nothing",
      Effect.gen(function* () {
        const journal = yield* Journal
        yield* journal.append(a, at(0), [message("1"), message("2", { id: "x" })])
        const wrong = [
          [0, [message("other")]],
          [1, [message("2", { id: "y" })]],
          [1, [message("2", { id: "x", at: 1 })]],
          [0, [message("1"), message("other", { id: "z" })]],
          [3, [message("4")]]
        ] as const
        for (const [head, events] of wrong) {
          const error = yield* Effect.flip(journal.append(a, at(head), events))
          expect(error).toMatchObject({ _tag: "JournalError", reason: "Fenced" })
        }
        expect(yield* Effect.flip(journal.append(b, at(1), [message("2")]))).toMatchObject({ reason: "Fenced" })
        expect(yield* journal.head(a)).toBe(2)
        expect(yield* journal.head(b)).toBe(0)
        // None of them left its id behind.
        expect(yield* journal.append(a, at(2), [message("3", { id: "y" }), message("4", { id: "z" })])).toEqual([
          placed(3),
          placed(4)
        ])
      })
    )

    test(
      "rooms that are appended to at once fail separately",
      Effect.gen(function* () {
        const journal = yield* Journal
        yield* journal.append(b, at(0), [message("there")])
        const exits = yield* Effect.all(
          ["c", "d", "b", "e", "f"].map((name) =>
            Effect.exit(journal.append(room(name), at(0), [message(name, { id: "x" })]))
          ),
          { concurrency: "unbounded" }
        )
        expect(exits.map(Exit.isSuccess)).toEqual([true, true, false, true, true])
        for (const name of ["c", "d", "e", "f"]) expect(yield* journal.head(room(name))).toBe(1)
        expect(yield* journal.head(b)).toBe(1)
      })
    )

    test(
      "a page starts right after the position that was asked for and ends at the limit or the log's end",
      Effect.gen(function* () {
        const journal = yield* Journal
        let head = 0
        for (const size of [1, 5, 2, 7, 1, 1, 3]) {
          const batch = Array.from({ length: size }, (_, index) => message(`${head + index + 1}`))
          yield* journal.append(a, at(head), batch)
          head += size
        }
        yield* journal.append(b, at(0), [message("not here")])
        for (let after = 0; after <= head + 2; after++) {
          for (const limit of [1, 2, 6, 100]) {
            const page = yield* journal.read(a, at(after), limit)
            const expected = Array.from(
              { length: Math.max(0, Math.min(limit, head - after)) },
              (_, index) => after + 1 + index
            )
            expect(page.map((entry) => entry.seq)).toEqual(expected)
            expect(page.map((entry) => entry.event)).toEqual(expected.map((seq) => message(`${seq}`)))
          }
        }
      })
    )

    const Step = Schema.Struct({
      room: Schema.Literals(["a", "b", "c"]),
      // How far the expected head is off, mostly not at all.
      off: Schema.Literals([0, 0, 0, 0, -2, -1, 1]),
      again: Schema.Boolean,
      events: Schema.Array(
        Schema.Struct({
          from: Schema.Literals(["ada", "bob"]),
          id: Schema.Literals(["", "", "x", "y", "z"]),
          text: Schema.Literals(["p", "q"])
        })
      ).check(Schema.isMinLength(1), Schema.isMaxLength(4))
    })

    let runs = 0
    layer(Layer.unwrap(adapter.empty))((it) => {
      it.effect.prop(
        "random appends over rooms answer and leave behind what a plain list of entries would",
        [Schema.Array(Step).check(Schema.isMaxLength(25))],
        ([steps]) =>
          Effect.gen(function* () {
            const journal = yield* Journal
            const run = runs++
            const model = new Map<string, Array<RoomEvent>>()
            let clock = 0
            for (const step of steps) {
              const name = room(`${step.room}${run}`)
              const log = model.get(name) ?? []
              model.set(name, log)
              const head = Math.max(0, log.length + step.off)
              const events = step.events.map(({ from, id, text }) =>
                message(text, id === "" ? { from, at: clock++ } : { from, id, at: clock++ })
              )
              const submit = Effect.result(journal.append(name, at(head), events))
              const answer = yield* submit
              const expected = expectedAnswer(log, head, events)
              if (expected === undefined) {
                expect(answer).toMatchObject({ _tag: "Failure", failure: { reason: "Fenced" } })
              } else {
                expect(answer).toMatchObject({ _tag: "Success", success: expected })
              }
              if (step.again && expected !== undefined) expect(yield* submit).toEqual(answer)
              expect(yield* journal.head(name)).toBe(log.length)
            }
            for (const [name, log] of model) {
              const entries = log.map((event, index) => ({ seq: index + 1, event }))
              expect(yield* all(room(name))).toEqual(entries)
            }
          }),
        { arbitrary: { runs: adapter.runs ?? 100 } }
      )
    })

    it.effect("another journal has another epoch: nobody goes on in it from a position of this one", () =>
      Effect.gen(function* () {
        const epoch = Effect.map(Journal, (journal) => journal.epoch)
        const one = yield* Effect.provide(epoch, yield* adapter.empty)
        const other = yield* Effect.provide(epoch, yield* adapter.empty)
        expect(other).not.toBe(one)
      })
    )

    if (!adapter.keeps) return

    const openedTwice = <A, B>(
      first: Effect.Effect<A, unknown, Journal>,
      second: (before: A) => Effect.Effect<B, unknown, Journal>
    ) =>
      Effect.gen(function* () {
        const layer = yield* adapter.empty
        const before = yield* Effect.provide(first, layer)
        return yield* Effect.provide(second(before), layer)
      })

    it.effect("what was stored is there when the journal is opened again, under the same epoch", () =>
      openedTwice(
        Effect.gen(function* () {
          const journal = yield* Journal
          yield* journal.append(a, at(0), [message("1"), message("2", { id: "x" })])
          return { epoch: journal.epoch, entries: yield* all() }
        }),
        (before) =>
          Effect.gen(function* () {
            const journal = yield* Journal
            expect(journal.epoch).toBe(before.epoch)
            expect(yield* all()).toEqual(before.entries)
            expect(yield* journal.head(a)).toBe(2)
          })
      )
    )

    it.effect("a client id is known, and a batch recognized, after the journal was opened again", () => {
      const first = message("2", { id: "x" })
      const batch = [message("1"), first]
      return openedTwice(
        Effect.flatMap(Journal, (journal) => journal.append(a, at(0), batch)),
        (before) =>
          Effect.gen(function* () {
            const journal = yield* Journal
            expect(yield* journal.append(a, at(0), batch)).toEqual(before)
            expect(yield* journal.append(a, at(2), [message("changed", { id: "x" })])).toEqual([repeated(2, first)])
            expect(yield* journal.append(a, at(2), [message("3")])).toEqual([placed(3)])
          })
      )
    })

    it.effect(
      "an append that is refused because the scope ended is not there afterwards; one that was answered is",
      () =>
        Effect.gen(function* () {
          const layer = yield* adapter.empty
          const scope = yield* Scope.make()
          const journal = Context.get(yield* Layer.buildWithScope(layer, scope), Journal)
          yield* journal.append(a, at(0), [message("1")])
          yield* Scope.close(scope, Exit.void)
          expect(yield* Effect.flip(journal.append(a, at(1), [message("late")]))).toMatchObject({ reason: "Refused" })
          expect(yield* Effect.flip(journal.read(a, at(0), 1))).toMatchObject({ reason: "Refused" })
          yield* Effect.provide(
            Effect.flatMap(all(), (entries) => Effect.sync(() => expect(entries).toHaveLength(1))),
            layer
          )
        })
    )
  })
}

const same = (x: RoomEvent, y: RoomEvent) => x.id === y.id && x.author.name === y.author.name

/** The port's rule on a plain list, which it appends to; undefined is "fenced". Each event has its own time: none can stand there already. */
const expectedAnswer = (log: Array<RoomEvent>, head: number, events: ReadonlyArray<RoomEvent>) => {
  const answers: Array<ReturnType<typeof placed> | ReturnType<typeof repeated>> = []
  const added: Array<RoomEvent> = []
  for (const event of events) {
    const known = [...log.slice(0, head), ...added]
    const first = event.id === undefined ? -1 : known.findIndex((other) => same(other, event))
    const found = known[first]
    if (found !== undefined) {
      answers.push(repeated(first + 1, found))
    } else {
      added.push(event)
      answers.push(placed(head + added.length))
    }
  }
  if (head > log.length || (head < log.length && added.length > 0)) return undefined
  log.push(...added)
  return answers
}
