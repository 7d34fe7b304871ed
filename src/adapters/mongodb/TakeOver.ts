import type { AnyBulkWriteOperation, Collection, Db, ObjectId, WithId } from "mongodb"
import { Effect } from "effect"
import { defaultRoom } from "../../domain/Room.ts"
import { messageCollection, metaCollection } from "./Collections.ts"
import type { AnyDocument } from "./Collections.ts"

/** Gives the original's messages their order while they are taken over; it goes when that is done. */
export const takeOverIndex = "parley_take_over"

/** So many documents are changed by one command. FerretDB 1.24 comes to a standstill over 100. */
const batchDocuments = 50

/** The log says how far it is after so many. */
const progressDocuments = 100_000

/** What the original application wrote, and so has no place in a room yet. */
const withoutRoom = { room: { $exists: false } }

type Change = AnyBulkWriteOperation<AnyDocument>

/**
 * Gives every message that the original application wrote (`from`, `message`, `date`) its place at the end of the default room: in the order of `date`, then `_id`.
 *
 * - **As a guest's.** The original let anybody write under any name, so the name proves nothing, and whoever registers it does not
 *   inherit what was said under it.
 * - **Resumable and idempotent.** A message's position is its rank, given in order by ordered commands, only to documents that have none: whatever the
 *   interruption, a prefix is numbered, and the next run goes on behind it. A date that is not one becomes one first (its text read, else the time in its
 *   `_id`).
 * - **Later ones**, of an original application that still writes, are taken over at the next start: behind what is there by then, since a
 *   position never changes. On MongoDB the unique index takes one such document and refuses the next (both lack a room): the
 *   original fails aloud instead of writing what nobody sees.
 * - **Bounded**: `batchDocuments` at a time.
 */
export const takeOver = (db: Db): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const collection = messageCollection(db)
    const first = yield* attempt(() => collection.findOne(withoutRoom, { projection: { _id: 1 } }))
    if (first === null) return
    yield* Effect.logInfo("taking over the messages that the original application wrote")
    yield* mendDates(collection)
    yield* attempt(() => collection.createIndex({ date: 1, _id: 1 }, { name: takeOverIndex }))
    const taken = yield* number(collection)
    // A majority that has this has everything before it.
    yield* attempt(() => metaCollection(db).updateOne({ _id: "journal" }, { $inc: { takenOver: taken } }))
    yield* Effect.logInfo("the original application's messages are the default room's", {
      room: defaultRoom,
      messages: taken
    })
  })

/**
 * False where a take-over left a hole behind: an interrupted one whose last command was still at work while the next began. A position that was given twice
 * is seen by the unique index.
 */
export const isDense = (collection: Collection<AnyDocument>): Effect.Effect<boolean, unknown> =>
  Effect.gen(function* () {
    const head = yield* lastPosition(collection)
    const count = yield* attempt(() => collection.countDocuments({ room: defaultRoom }))
    return head === count
  })

/** True where a position of the default room was given twice. */
export const hasTwins = (collection: Collection<AnyDocument>): Effect.Effect<boolean, unknown> =>
  attempt(() =>
    collection
      .aggregate(
        [
          { $match: { room: defaultRoom } },
          { $group: { _id: "$seq", documents: { $sum: 1 } } },
          { $match: { documents: { $gt: 1 } } },
          { $limit: 1 }
        ],
        { allowDiskUse: true }
      )
      .toArray()
  ).pipe(Effect.map((twins) => twins.length > 0))

/** Undoes a take-over, for one from the start. Only while no journal was opened on the database: then positions are nobody's yet. */
export const undoTakeOver = (collection: Collection<AnyDocument>): Effect.Effect<void, unknown> =>
  Effect.andThen(
    Effect.logWarning("the original application's messages are put in order once more"),
    attempt(() => collection.updateMany({ room: defaultRoom }, { $unset: { room: "", seq: "", kind: "", v: "" } }))
  )

const attempt = <A>(call: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: call, catch: (error) => error })

/** What is lost of it is done again: only the end waits for a majority. */
const quick = { w: 1, journal: false }

type Original = WithId<AnyDocument>

/**
 * Changes what the pages hold, in their order, and gives the number of documents. Each page begins behind the last document of the one before. Pages, not a
 * cursor: a server that keeps its cursor's place by a lock would not let us write meanwhile.
 */
const changeAll = (
  collection: Collection<AnyDocument>,
  page: (last: Original | undefined) => Promise<ReadonlyArray<Original>>,
  change: (document: Original, index: number) => Change
): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let changed = 0
    let last: Original | undefined
    for (;;) {
      const documents = yield* attempt(() => page(last))
      if (documents.length === 0) return changed
      const changes = documents.map((document, index) => change(document, changed + index))
      yield* attempt(() => collection.bulkWrite(changes, { ordered: true, writeConcern: quick }))
      last = documents.at(-1)
      const before = changed
      changed += documents.length
      if (Math.floor(changed / progressDocuments) > Math.floor(before / progressDocuments))
        yield* Effect.logInfo("still taking over", { messages: changed })
    }
  })

const mendDates = (collection: Collection<AnyDocument>): Effect.Effect<number, unknown> =>
  changeAll(
    collection,
    (last) =>
      collection
        .find(
          {
            ...withoutRoom,
            date: { $not: { $type: "date" } },
            ...(last === undefined ? {} : { _id: { $gt: last._id } })
          },
          { projection: { _id: 1, date: 1 } }
        )
        .sort({ _id: 1 })
        .limit(batchDocuments)
        .batchSize(batchDocuments)
        .toArray(),
    ({ _id, date }) => ({ updateOne: { filter: { _id }, update: { $set: { date: readDate(date, _id) } } } })
  )

const readDate = (date: unknown, id: ObjectId): Date => {
  const read = typeof date === "string" || typeof date === "number" ? new Date(date) : undefined
  if (read !== undefined && !Number.isNaN(read.getTime())) return read
  return typeof id === "object" && "getTimestamp" in id ? id.getTimestamp() : new Date(0)
}

const number = (collection: Collection<AnyDocument>): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    const head = yield* lastPosition(collection)
    return yield* changeAll(
      collection,
      (last) =>
        collection
          .find({ ...withoutRoom, ...(last === undefined ? {} : { date: { $gte: last.date } }) })
          .sort({ date: 1, _id: 1 })
          .limit(batchDocuments)
          .batchSize(batchDocuments)
          .toArray(),
      ({ _id, from, message }, index) => ({
        updateOne: {
          filter: { _id, ...withoutRoom },
          update: {
            $set: {
              ...(typeof from === "string" ? undefined : { from: asText(from) }),
              ...(typeof message === "string" ? undefined : { message: asText(message) }),
              room: defaultRoom,
              seq: head + index + 1,
              kind: "guest",
              v: 1
            }
          }
        }
      })
    )
  })

const asText = (value: unknown): string => (value === undefined || value === null ? "" : JSON.stringify(value))

const lastPosition = (collection: Collection<AnyDocument>): Effect.Effect<number, unknown> =>
  Effect.map(
    attempt(() =>
      collection
        .find({ room: defaultRoom }, { projection: { seq: 1 } })
        .sort({ seq: -1 })
        .limit(1)
        .toArray()
    ),
    ([last]) => (typeof last?.seq === "number" ? last.seq : 0)
  )
