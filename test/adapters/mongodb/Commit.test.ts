import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Scope } from "effect"
import { layer } from "../../../src/adapters/mongodb/Journal.ts"
import type { RoomEvent } from "../../../src/domain/RoomEvent.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import type { Placed } from "../../../src/ports/Journal.ts"
import { onMongoDb } from "../../servers/FerretDb.ts"
import { at, message, room } from "../../support/Events.ts"
import { temporaryDatabase } from "../../support/Journals.ts"

const a = room("a")
const b = room("b")
const placed = (seq: number) => [{ seq, earlier: undefined }]

await onMongoDb("the mongodb journal's commits", (uri) => {
  const open = (database: string, onCommit?: (batches: number) => void) =>
    Effect.map(Layer.build(Layer.fresh(layer({ uri: Redacted.make(uri), database, onCommit }))), (context) =>
      Context.get(context, Journal)
    )

  const opened: Effect.Effect<Opened, unknown, Scope.Scope> = Effect.gen(function* () {
    const db = yield* temporaryDatabase(uri)
    const commits: Array<number> = []
    return { db, commits, journal: yield* open(db.databaseName, (batches) => commits.push(batches)) }
  })
  interface Opened {
    readonly db: Effect.Success<ReturnType<typeof temporaryDatabase>>
    readonly commits: Array<number>
    readonly journal: Journal["Service"]
  }

  describe("a commit to mongodb", () => {
    it.effect("takes the appends of all rooms that wait, and those that its own answers bring forth", () =>
      Effect.gen(function* () {
        const { commits, journal } = yield* opened
        yield* Effect.all(
          Array.from({ length: 100 }, (_, index) =>
            Effect.gen(function* () {
              for (let head = 0; head < 3; head++) {
                const answer = yield* journal.append(room(`r${index}`), at(head), [message("x", { id: `${head}` })])
                expect(answer).toEqual(placed(head + 1))
              }
            })
          ),
          { concurrency: "unbounded" }
        )
        expect(commits).toEqual([100, 100, 100])
      })
    )

    it.effect("stores documents that a reader of the original's collection understands", () =>
      Effect.gen(function* () {
        const { db, journal } = yield* opened
        const events: ReadonlyArray<RoomEvent> = [
          message("hello"),
          message("mine", { id: "x", kind: "guest", from: "bob" }),
          { ...message(""), payload: { edit: 1, text: "new" } },
          { ...message(""), payload: { message: "with more", mood: ":-)" } }
        ]
        yield* journal.append(a, at(0), events)
        const documents = yield* Effect.promise(() =>
          db
            .collection("chat_history")
            .find({}, { projection: { _id: 0 } })
            .sort({ seq: 1 })
            .toArray()
        )
        const date = new Date(1_764_000_000_000)
        const ours = { from: "ada", date, room: "a", kind: "account", v: 1 }
        expect(documents).toEqual([
          { ...ours, message: "hello", seq: 1 },
          { ...ours, from: "bob", message: "mine", seq: 2, kind: "guest", key: "a\tx\tguest:bob" },
          { ...ours, message: '{"edit":1,"text":"new"}', seq: 3, payload: '{"edit":1,"text":"new"}' },
          // No more is a chat message than the text alone: the rest would be lost on the reader.
          {
            ...ours,
            message: '{"message":"with more","mood":":-)"}',
            seq: 4,
            payload: '{"message":"with more","mood":":-)"}'
          }
        ])
      })
    )

    it.effect("goes on with the other rooms where one repeats an id, one is fenced and one is there already", () =>
      Effect.gen(function* () {
        const { commits, db, journal } = yield* opened
        const first = message("first", { id: "x" })
        const same = [message("1", { id: "s" }), message("2")]
        for (const name of ["repeats", "fenced", "same", "half"]) yield* journal.append(room(name), at(0), [first])
        // Somebody else's, who has opened the same database.
        const other = yield* open(db.databaseName)
        yield* other.append(room("fenced"), at(1), [message("theirs")])
        yield* other.append(room("same"), at(1), same)
        yield* other.append(room("half"), at(1), same.slice(0, 1))
        commits.length = 0
        const answers = yield* Effect.all(
          [
            journal.append(room("lone"), at(0), [message("1")]),
            journal.append(a, at(0), [message("1"), message("2")]),
            journal.append(room("repeats"), at(1), [message("2"), first, message("3", { id: "y" })]),
            Effect.flip(journal.append(room("fenced"), at(1), [message("ours"), message("ours, too")])),
            journal.append(room("same"), at(1), same),
            journal.append(room("half"), at(1), same),
            journal.append(b, at(0), [message("1", { id: "x" })])
          ],
          { concurrency: "unbounded" }
        )
        expect(commits).toEqual([7])
        const stored = [at(2), at(3)].map((seq) => ({ seq, earlier: undefined }))
        expect(answers).toEqual([
          placed(1),
          [...placed(1), ...placed(2)],
          [...placed(2), { seq: 1, earlier: { seq: 1, event: first } }, ...placed(3)],
          expect.objectContaining({ reason: "Fenced" }),
          stored,
          stored,
          placed(1)
        ])
        expect(yield* journal.head(room("fenced"))).toBe(2)
        expect(yield* journal.append(room("repeats"), at(3), [message("4")])).toEqual(placed(4))
      })
    )

    it.effect("of a room that another process writes is fenced; what it wrote is read, and the room can go on", () =>
      Effect.gen(function* () {
        const { db, journal } = yield* opened
        const other = yield* open(db.databaseName)
        yield* journal.append(a, at(0), [message("1")])
        yield* other.append(a, at(1), [message("theirs")])
        expect(yield* Effect.flip(journal.append(a, at(1), [message("ours")]))).toMatchObject({ reason: "Fenced" })
        expect(yield* journal.head(a)).toBe(2)
        expect(yield* journal.append(a, at(2), [message("ours")])).toEqual(placed(3))
        expect(yield* Effect.flip(other.append(a, at(2), [message("theirs")]))).toMatchObject({ reason: "Fenced" })
      })
    )

    it.effect("10,000 retries of 100 messages, across a restart, are 100 messages", () =>
      Effect.gen(function* () {
        const db = yield* temporaryDatabase(uri)
        const texts = Array.from({ length: 100 }, (_, index) => `${index}`)
        // A fixed shuffle: each id 100 times, everywhere.
        const retries = Array.from({ length: 10_000 }, (_, index) => message(`${(index * 7_919) % 100}`))
          .map((event, index) => ({ event, order: (index * 104_729) % 10_007 }))
          .toSorted((x, y) => x.order - y.order)
          .map(({ event }) => ({ ...event, ...message(textOf(event), { id: textOf(event) }) }))
        const seqOf = new Map<string, number>()
        let head = 0
        for (const half of [retries.slice(0, 5_000), retries.slice(5_000)]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const journal = yield* open(db.databaseName)
              for (let begin = 0; begin < half.length; begin += 200) {
                const batch = half.slice(begin, begin + 200)
                const answer: ReadonlyArray<Placed> = yield* journal.append(a, at(head), batch)
                for (const [index, { seq, earlier }] of answer.entries()) {
                  const text = textOf(batch[index] ?? message(""))
                  if (earlier === undefined) head = seq
                  expect(seq).toBe(seqOf.get(text) ?? seq)
                  seqOf.set(text, seq)
                }
              }
            })
          )
        }
        const journal = yield* open(db.databaseName)
        const entries = yield* journal.read(a, at(0), 1_000)
        expect(entries.map(({ event }) => textOf(event)).toSorted()).toEqual(texts.toSorted())
        expect(head).toBe(100)
      })
    )
  })

  it.effect("a document of a newer release breaks the read that meets it, by name, and no other room", () =>
    Effect.gen(function* () {
      const { db, journal } = yield* opened
      yield* journal.append(a, at(0), [message("1"), message("2", { id: "x" })])
      yield* journal.append(room("hole"), at(0), [message("1"), message("2"), message("3")])
      yield* Effect.promise(() => db.collection("chat_history").updateOne({ room: "a", seq: 2 }, { $set: { v: 7 } }))
      yield* Effect.promise(() => db.collection("chat_history").deleteOne({ room: "hole", seq: 2 }))
      expect(yield* Effect.flip(journal.read(a, at(0), 5))).toMatchObject({
        reason: "Broken",
        detail: 'room a, position 2: an event of type "MessagePosted", version 7, which this release does not know'
      })
      expect(yield* Effect.flip(journal.read(room("hole"), at(0), 5))).toMatchObject({ reason: "Broken" })
      expect(yield* journal.read(a, at(0), 1)).toHaveLength(1)
      expect(yield* journal.append(b, at(0), [message("1")])).toEqual(placed(1))
    })
  )
})

const textOf = ({ payload }: RoomEvent): string =>
  typeof payload === "object" && payload !== null && "message" in payload ? String(payload.message) : ""
