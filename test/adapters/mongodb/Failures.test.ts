import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted } from "effect"
import { layer } from "../../../src/adapters/mongodb/Journal.ts"
import type { RoomEvent } from "../../../src/domain/RoomEvent.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import type { JournalError } from "../../../src/ports/Journal.ts"
import { onFerretDb } from "../../servers/FerretDb.ts"
import { at, message, room } from "../../support/Events.ts"
import { temporaryDatabase } from "../../support/Journals.ts"
import { lateProxy } from "../../support/LateProxy.ts"

const a = room("a")
const b = room("b")
const placed = (seq: number) => [{ seq, earlier: undefined }]

/** What a room does: the very same append, until the answer is definite. */
const settled = (append: Effect.Effect<ReadonlyArray<unknown>, JournalError>) =>
  Effect.gen(function* () {
    for (;;) {
      const answer = yield* Effect.result(append)
      if (answer._tag === "Success") return answer.success
      if (answer.failure.reason !== "Unknown" && answer.failure.reason !== "Refused") return answer.failure.reason
    }
  })

const textsOf = (journal: Journal["Service"], name = a) =>
  Effect.map(journal.read(name, at(0), 1_000), (entries) => entries.map(({ event }) => textOf(event)))

const textOf = ({ payload }: RoomEvent) => Object.values(payload as { message: string })[0]

await onFerretDb("the mongodb journal's failures", (server) => {
  const open = (database: string, port = server.port, answerTimeoutMillis = 1_500) =>
    Effect.map(
      Layer.build(
        Layer.fresh(
          layer({
            uri: Redacted.make(`mongodb://127.0.0.1:${port}`),
            database,
            connectTimeoutMillis: 1_500,
            answerTimeoutMillis
          })
        )
      ),
      (context) => Context.get(context, Journal)
    )
  const opened = Effect.flatMap(temporaryDatabase(server.uri), ({ databaseName }) => open(databaseName))

  describe("a mongodb that is frozen", () => {
    it.live.each([
      { what: "with an id", events: [message("1", { id: "x" }), message("2")] },
      { what: "without one", events: [message("1"), message("1")] }
    ])("acknowledges nothing; thawed, what was sent $what is there once", ({ events }) =>
      Effect.gen(function* () {
        const journal = yield* opened
        yield* journal.append(a, at(0), [message("0")])
        yield* Effect.promise(() => server.freeze())
        const append = journal.append(a, at(1), events)
        expect(yield* Effect.flip(append)).toMatchObject({ reason: "Unknown" })
        const settling = yield* Effect.forkChild(settled(append))
        // Rooms that come meanwhile hear that it was not sent, or that nobody knows.
        expect(["Refused", "Unknown"]).toContain((yield* Effect.flip(journal.append(b, at(0), [message("1")]))).reason)
        expect(yield* Effect.flip(journal.head(b))).toMatchObject({ reason: "Refused" })
        server.thaw()
        expect(yield* Fiber.join(settling)).toEqual([...placed(2), ...placed(3)])
        expect(yield* textsOf(journal)).toEqual(["0", ...events.map(textOf)])
      }).pipe(Effect.ensuring(Effect.sync(() => server.thaw())))
    )
  })

  it.live("an answer that trickles without an end is given up at the deadline, and what was sent is there once", () =>
    Effect.gen(function* () {
      const { databaseName } = yield* temporaryDatabase(server.uri)
      const proxy = yield* lateProxy(server.port)
      const journal = yield* open(databaseName, proxy.port)
      yield* journal.append(a, at(0), [message("0")])
      proxy.dripAnswerTo("trickles")
      const append = journal.append(a, at(1), [message("trickles")])
      expect(yield* Effect.flip(append)).toMatchObject({
        reason: "Unknown",
        detail: expect.stringContaining("did not answer within 3000 ms")
      })
      expect(yield* append).toEqual(placed(2))
      expect(yield* textsOf(journal)).toEqual(["0", "trickles"])
    })
  )

  describe("a write that lands after its time", () => {
    it.live("is the one copy of a batch that was submitted again before, or after", () =>
      Effect.gen(function* () {
        const { databaseName } = yield* temporaryDatabase(server.uri)
        const proxy = yield* lateProxy(server.port)
        const journal = yield* open(databaseName, proxy.port)
        yield* journal.append(a, at(0), [message("0", { id: "0" })])

        const lateAfter = [message("lands first", { id: "x" }), message("2")]
        const first = proxy.holdNext("lands first")
        expect(yield* Effect.flip(journal.append(a, at(1), lateAfter))).toMatchObject({ reason: "Unknown" })
        yield* Effect.promise(first.deliver)
        expect(yield* journal.head(a)).toBe(3)
        expect(yield* journal.append(a, at(1), lateAfter)).toEqual([...placed(2), ...placed(3)])

        const lateBefore = [message("lands last"), message("5", { id: "y" }), message("0", { id: "0" })]
        const last = proxy.holdNext("lands last")
        expect(yield* Effect.flip(journal.append(a, at(3), lateBefore))).toMatchObject({ reason: "Unknown" })
        const answer = yield* journal.append(a, at(3), lateBefore)
        expect(answer.map(({ seq }) => seq)).toEqual([4, 5, 1])
        yield* journal.append(a, at(5), [message("6")])
        yield* Effect.promise(last.deliver)
        expect(yield* textsOf(journal)).toEqual(["0", "lands first", "2", "lands last", "5", "6"])
      })
    )

    it.live("of an owner that was frozen does not get past what the next owner wrote", () =>
      Effect.gen(function* () {
        const { databaseName } = yield* temporaryDatabase(server.uri)
        const proxy = yield* lateProxy(server.port)
        const frozen = yield* open(databaseName, proxy.port)
        yield* frozen.append(a, at(0), [message("1")])
        const late = proxy.holdNext("stale")
        const append = frozen.append(a, at(1), [message("stale", { id: "s" }), message("stale, too")])
        expect(yield* Effect.flip(append)).toMatchObject({ reason: "Unknown" })
        const next = yield* open(databaseName)
        yield* next.append(a, at(1), [message("2")])
        yield* Effect.promise(late.deliver)
        expect(yield* Effect.flip(append)).toMatchObject({ reason: "Fenced" })
        expect(yield* frozen.append(b, at(0), [message("other rooms")])).toEqual(placed(1))
        expect(yield* textsOf(next)).toEqual(["1", "2"])
        // The id was not taken by what did not get in.
        expect(yield* next.append(a, at(2), [message("stale", { id: "s" })])).toEqual(placed(3))
      })
    )
  })

  describe("a mongodb that is gone", () => {
    it.live("refuses what was not sent, and reads; when it is back everything goes on without a restart", () =>
      Effect.gen(function* () {
        const journal = yield* opened
        const rooms = Array.from({ length: 20 }, (_, index) => room(`r${index}`))
        yield* Effect.forEach(rooms, (name) => journal.append(name, at(0), [message("0")]), {
          concurrency: "unbounded"
        })
        yield* Effect.promise(() => server.kill())
        // Those that leave before the connection is known to be gone are not known to have arrived.
        const refused = Effect.forEach(
          [a, ...rooms],
          (name) => Effect.flip(journal.append(name, at(name === a ? 0 : 1), [message("1")])),
          {
            concurrency: "unbounded"
          }
        ).pipe(Effect.map((errors) => [...new Set(errors.map(({ reason }) => reason))]))
        yield* Effect.repeat(refused, { until: (reasons) => reasons.length === 1 && reasons[0] === "Refused" })
        expect(yield* Effect.flip(journal.head(a))).toMatchObject({ reason: "Refused" })
        expect(yield* Effect.flip(journal.read(a, at(0), 1))).toMatchObject({ reason: "Refused" })
        yield* Effect.promise(() => server.start())
        expect(yield* settled(journal.append(a, at(0), [message("1")]))).toEqual(placed(1))
        for (const name of rooms) {
          expect(yield* textsOf(journal, name)).toEqual(["0"])
          expect(yield* journal.append(name, at(1), [message("1")])).toEqual(placed(2))
        }
      }).pipe(Effect.ensuring(Effect.promise(() => server.start())))
    )

    it.live("with an append under way leaves all of it, a prefix or nothing: sent again it is there once", () =>
      Effect.gen(function* () {
        const journal = yield* opened
        const names = Array.from({ length: 8 }, (_, index) => room(`r${index}`))
        const batch = (head: number) => Array.from({ length: 50 }, (_, index) => message(`${head + index + 1}`))
        const writers = yield* Effect.forEach(names, (name) =>
          Effect.forkChild(
            Effect.gen(function* () {
              for (let head = 0; head < 500; head += 50) {
                expect(yield* settled(journal.append(name, at(head), batch(head)))).toHaveLength(50)
              }
            })
          )
        )
        for (const _ of [1, 2]) {
          // In the middle of it: when somebody has got this far.
          const before = yield* journal.head(a)
          yield* Effect.forkChild(settled(journal.append(a, before, [message("mark")]))).pipe(
            Effect.flatMap(Fiber.join)
          )
          yield* Effect.promise(() => server.kill())
          yield* Effect.promise(() => server.start())
          yield* Effect.repeat(Effect.result(journal.head(a)), { until: ({ _tag }) => _tag === "Success" })
        }
        for (const writer of writers) yield* Fiber.join(writer)
        for (const name of names) {
          expect(yield* textsOf(journal, name)).toEqual(Array.from({ length: 500 }, (_, index) => `${index + 1}`))
        }
      }).pipe(Effect.ensuring(Effect.promise(() => server.start())))
    )
  })
})
