import { describe, expect, it } from "@effect/vitest"
import { MongoClient, ObjectId } from "mongodb"
import type { Db } from "mongodb"
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import { layer } from "../../../src/adapters/mongodb/Journal.ts"
import { prepare } from "../../../src/adapters/mongodb/Preparation.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import { onMongoDb } from "../../servers/FerretDb.ts"
import { at, message, room } from "../../support/Events.ts"
import { temporaryDatabase } from "../../support/Journals.ts"

const lobby = room("lobby")

const id = (second: number, count: number) =>
  new ObjectId(`${second.toString(16).padStart(8, "0")}${"0".repeat(14)}0${count}`)

/** As the original left them, in no order: times, the README's texts, and what cannot be but is. */
const originals = [
  { _id: id(9, 1), from: "eve", message: "6th", date: new Date(6_000) },
  { _id: id(9, 3), from: "ada", message: "5th", date: new Date(5_000) },
  { _id: id(9, 2), from: "ada", message: "4th, by its id", date: new Date(5_000) },
  { _id: id(1, 1), from: "ada", message: "1st, by its id's time" },
  { _id: id(9, 5), from: "bob", message: "8th", date: "2025-01-24T09:10:00Z" },
  { _id: id(2, 1), from: "bob", message: "2nd, by its id's time", date: "yesterday" },
  { _id: id(9, 6), from: "bob", message: { html: "9th" }, date: new Date("2026-01-01") },
  { _id: id(9, 7), from: "bob", message: "7th", date: "1970-01-01T00:00:07.000Z" },
  { _id: id(9, 8), message: "3rd, of nobody", date: new Date(3_000) }
]

const taken = [
  ["ada", "1st, by its id's time", 1_000],
  ["bob", "2nd, by its id's time", 2_000],
  ["", "3rd, of nobody", 3_000],
  ["ada", "4th, by its id", 5_000],
  ["ada", "5th", 5_000],
  ["eve", "6th", 6_000],
  ["bob", "7th", 7_000],
  ["bob", "8th", Date.UTC(2025, 0, 24, 9, 10)],
  ["bob", '{"html":"9th"}', Date.UTC(2026, 0, 1)]
].map(([from, text, time], index) => ({
  seq: index + 1,
  event: message(String(text), { from: String(from), kind: "guest", at: Number(time) })
}))

await onMongoDb("the take-over of the original's messages", (uri) => {
  const open = (db: Db) =>
    Effect.map(Layer.build(Layer.fresh(layer({ uri: Redacted.make(uri), database: db.databaseName }))), (context) =>
      Context.get(context, Journal)
    )

  const original = Effect.tap(temporaryDatabase(uri), (db) =>
    Effect.promise(() => db.collection<object>("chat_history").insertMany(originals))
  )

  const indexesOf = (db: Db) =>
    Effect.promise(async () => new Set((await db.collection("chat_history").indexes()).map(({ name }) => name)))

  const isTaken = (db: Db) =>
    Effect.gen(function* () {
      const journal = yield* open(db)
      expect(yield* journal.read(lobby, at(0), 100)).toEqual(taken)
      expect(yield* indexesOf(db)).toEqual(new Set(["_id_", "parley_key", "parley_room_seq"]))
    })

  /** Interrupts a preparation at the driver's n-th event of this kind; false where it was done before that. */
  const interrupted = (db: Db, kind: "commandStarted" | "commandSucceeded", events: number) =>
    Effect.scoped(
      Effect.gen(function* () {
        const client = yield* Effect.acquireRelease(
          Effect.sync(() => new MongoClient(uri, { monitorCommands: true })),
          (client) => Effect.promise(() => client.close())
        )
        const reached = yield* Deferred.make<boolean>()
        let seen = 0
        client.on(kind, () => {
          if (++seen === events) Deferred.doneUnsafe(reached, Effect.succeed(true))
        })
        return yield* Effect.raceFirst(Effect.as(prepare(client.db(db.databaseName)), false), Deferred.await(reached))
      })
    )

  describe("taking over a database of the original application", () => {
    it.effect("gives its messages to the default room, in the order of their times, as guests'", () =>
      Effect.gen(function* () {
        const db = yield* original
        yield* isTaken(db)
        const journal = yield* open(db)
        expect(yield* journal.append(lobby, at(9), [message("ours")])).toEqual([{ seq: 10, earlier: undefined }])
        expect(yield* journal.head(lobby)).toBe(10)
      })
    )

    it.effect.each(["commandSucceeded", "commandStarted"] as const)(
      "and interrupted after any step (%s), goes on where it was",
      (kind) =>
        Effect.gen(function* () {
          let steps = 1
          for (; ; steps++) {
            const db = yield* original
            const wasInterrupted = yield* interrupted(db, kind, steps)
            if (wasInterrupted) yield* interrupted(db, kind, steps)
            yield* isTaken(db)
            if (!wasInterrupted) break
          }
          expect(steps).toBeGreaterThan(15)
        })
    )

    it.effect("goes on behind a prefix that is numbered, when it was ended in the middle of a command", () =>
      Effect.gen(function* () {
        const db = yield* original
        yield* Effect.promise(async () => {
          const collection = db.collection("chat_history")
          for (const { seq, event } of taken.slice(0, 4)) {
            const { message } = event.payload as { message: string }
            const place = { from: event.author.name, date: new Date(event.at), room: "lobby", seq, kind: "guest", v: 1 }
            await collection.updateOne({ message }, { $set: place })
          }
        })
        yield* isTaken(db)
      })
    )

    it.effect.each([
      { what: "a hole", change: { seq: 40 } },
      { what: "a position given twice", change: { seq: 8 } }
    ])("that left $what behind begins once more", ({ change }) =>
      Effect.gen(function* () {
        const db = yield* original
        // Numbered, but before its index was built.
        yield* Effect.promise(async () => {
          const collection = db.collection<{ from: string }>("chat_history")
          await collection.updateMany({}, { $set: { room: "lobby", kind: "guest", v: 1 } })
          for (const [index, { _id }] of originals.entries())
            await collection.updateOne({ _id }, { $set: { seq: index + 1, date: new Date(index), from: "ada" } })
          await collection.updateOne({ _id: originals[3]?._id ?? id(0, 0) }, { $set: change })
        })
        const journal = yield* open(db)
        const entries = yield* journal.read(lobby, at(0), 100)
        expect(entries.map(({ seq, event }) => [seq, event.at])).toEqual(
          originals.map((_, index) => [index + 1, index])
        )
      })
    )

    it.effect("puts what the original writes later behind what is there by then, at the next start", () =>
      Effect.gen(function* () {
        const db = yield* original
        const before = yield* Effect.scoped(
          Effect.gen(function* () {
            const journal = yield* open(db)
            yield* journal.append(lobby, at(9), [message("ours")])
            return journal.epoch
          })
        )
        const late = { from: "eve", message: "late", date: new Date(1) }
        yield* Effect.promise(() => db.collection("chat_history").insertOne(late))
        const journal = yield* open(db)
        expect(journal.epoch).toBe(before)
        expect(yield* journal.read(lobby, at(9), 10)).toEqual([
          { seq: 10, event: message("ours") },
          { seq: 11, event: message("late", { from: "eve", kind: "guest", at: 1 }) }
        ])
      })
    )

    it.effect("takes more than one batch of texts and times", () =>
      Effect.gen(function* () {
        const db = yield* temporaryDatabase(uri)
        const many = Array.from({ length: 130 }, (_, index) => ({
          from: "ada",
          message: `${index}`,
          date: index % 2 === 0 ? new Date(index) : new Date(index).toISOString()
        }))
        yield* Effect.promise(() => db.collection("chat_history").insertMany(many.toReversed()))
        const journal = yield* open(db)
        expect(yield* journal.head(lobby)).toBe(130)
        const entries = yield* journal.read(lobby, at(0), 1_000)
        expect(entries.map(({ seq, event }) => [seq, event.payload])).toEqual(
          many.map((_, index) => [index + 1, { message: `${index}` }])
        )
      })
    )
  })
})
