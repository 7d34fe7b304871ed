import type { AnyBulkWriteOperation, Collection, FindCursor, ObjectId, WithId } from "mongodb"
import { Effect, Stream } from "effect"
import { defaultRoom } from "../../domain/Room.ts"
import type { AnyDocument } from "./Collections.ts"
import { MongoOpenError } from "./MongoOpenError.ts"

/** Gives the original's messages their order while they are taken over; it goes when that is done. */
export const takeOverIndex = "parley_take_over"

/** So many documents are changed by one command. */
const batchDocuments = 1_000

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
 *   position never changes. The unique index lets a second one wait in vain: it is refused to the original application, which tells its operator.
 * - **Memory** is bounded: cursors, and `batchDocuments` at a time.
 */
export const takeOver = (collection: Collection<AnyDocument>): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const first = yield* attempt(() => collection.findOne(withoutRoom, { projection: { _id: 1 } }))
    if (first === null) return
    yield* Effect.logInfo("taking over the messages that the original application wrote")
    yield* mendDates(collection)
    yield* attempt(() => collection.createIndex({ date: 1, _id: 1 }, { name: takeOverIndex }))
    const taken = yield* number(collection)
    yield* verify(collection)
    yield* Effect.logInfo("the original application's messages are the default room's", {
      room: defaultRoom,
      messages: taken
    })
  })

const attempt = <A>(call: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: call, catch: (error) => error })

/** Changes what the cursor finds, in its order; gives the number of documents. */
const changeAll = (
  collection: Collection<AnyDocument>,
  cursor: FindCursor<WithId<AnyDocument>>,
  change: (document: WithId<AnyDocument>, index: number) => Change
): Effect.Effect<number, unknown> => {
  let changed = 0
  return Stream.fromAsyncIterable(cursor.batchSize(batchDocuments), (error) => error).pipe(
    Stream.grouped(batchDocuments),
    Stream.runForEach((documents) =>
      Effect.gen(function* () {
        const changes = documents.map((document, index) => change(document, changed + index))
        yield* attempt(() => collection.bulkWrite(changes, { ordered: true }))
        const before = changed
        changed += documents.length
        if (Math.floor(changed / progressDocuments) > Math.floor(before / progressDocuments))
          yield* Effect.logInfo("still taking over", { messages: changed })
      })
    ),
    Effect.map(() => changed)
  )
}

const mendDates = (collection: Collection<AnyDocument>): Effect.Effect<number, unknown> =>
  Effect.suspend(() =>
    changeAll(
      collection,
      collection.find({ ...withoutRoom, date: { $not: { $type: "date" } } }, { projection: { _id: 1, date: 1 } }),
      ({ _id, date }) => ({ updateOne: { filter: { _id }, update: { $set: { date: readDate(date, _id) } } } })
    )
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
      collection.find(withoutRoom).sort({ date: 1, _id: 1 }),
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

/** Two that take over at once would number differently what a third still writes. */
const verify = (collection: Collection<AnyDocument>): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const head = yield* lastPosition(collection)
    const count = yield* attempt(() => collection.countDocuments({ room: defaultRoom }))
    if (head === count) return
    yield* new MongoOpenError({
      problem: `the room ${defaultRoom} has ${count} messages but ${head} positions: something else wrote chat_history meanwhile`
    })
  })
