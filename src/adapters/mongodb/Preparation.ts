import { randomUUID } from "node:crypto"
import { MongoServerError } from "mongodb"
import type { Db } from "mongodb"
import { Effect } from "effect"
import { Epoch } from "../../domain/Room.ts"
import { messageCollection, metaCollection } from "./Collections.ts"
import { MongoOpenError } from "./MongoOpenError.ts"
import { hasTwins, isDense, takeOver, takeOverIndex, undoTakeOver } from "./TakeOver.ts"

type Messages = ReturnType<typeof messageCollection>

/** The shape of what is stored. A release that changes it in a way that older ones cannot read counts it up. */
const schemaVersion = 1

/**
 * Makes a database ready for a journal, whatever it holds: nothing, the original application's messages, a preparation that was interrupted
 * anywhere, or a journal. One process at a time: the owner. Fails with what the driver threw.
 *
 * The messages of the original come first, since real MongoDB builds no unique index while two documents lack its fields.
 */
export const prepare = (db: Db): Effect.Effect<Epoch, unknown> =>
  Effect.gen(function* () {
    const collection = messageCollection(db)
    const meta = yield* Effect.tryPromise({
      try: () =>
        metaCollection(db).findOneAndUpdate(
          { _id: "journal" },
          { $setOnInsert: { schema: schemaVersion, epoch: randomUUID() } },
          { upsert: true, returnDocument: "after" }
        ),
      catch: (error) => error
    })
    if (typeof meta?.schema !== "number" || typeof meta.epoch !== "string" || meta.epoch === "")
      return yield* new MongoOpenError({ problem: `parley_meta of the database ${db.databaseName} is damaged` })
    if (meta.schema > schemaVersion) {
      return yield* new MongoOpenError({
        problem: `the database ${db.databaseName} was written by a newer release (schema ${meta.schema}, this one knows ${schemaVersion})`
      })
    }
    const isFresh = !(yield* indexNames(collection)).includes(roomIndex)
    yield* takeOver(db)
    if (!(yield* isOrdered(collection, isFresh))) {
      yield* undoTakeOver(collection)
      yield* takeOver(db)
      if (!(yield* isOrdered(collection, isFresh))) return yield* new MongoOpenError({ problem: meddled })
    }
    // One at a time: FerretDB 1.24 ends the connection over two that exist.
    yield* attempt(() => collection.createIndex({ key: 1 }, { name: "parley_key", unique: true, sparse: true }))
    if ((yield* indexNames(collection)).includes(takeOverIndex)) {
      yield* attempt(() => collection.dropIndex(takeOverIndex))
    }
    return Epoch.make(meta.epoch)
  })

/** The room's order, and the fence: nobody writes a position twice. Where it is, a journal may have been opened. */
const roomIndex = "parley_room_seq"

const meddled =
  "something else writes chat_history while its messages are taken over: stop the original application first"

const attempt = <A>(call: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: call, catch: (error) => error })

const indexNames = (collection: Messages): Effect.Effect<ReadonlyArray<string | undefined>, unknown> =>
  attempt(() => collection.indexes()).pipe(
    Effect.map((indexes) => indexes.map(({ name }) => name)),
    // A collection that is not there yet.
    Effect.catchIf(
      (error) => error instanceof MongoServerError && error.code === 26,
      () => Effect.succeed([])
    )
  )

/** Builds the room's index where nothing stands against it. On a database that was opened before it stands there. */
const isOrdered = (collection: Messages, isFresh: boolean): Effect.Effect<boolean, unknown> =>
  Effect.gen(function* () {
    if (!isFresh) return true
    if (!(yield* isDense(collection))) return false
    return yield* attempt(() => collection.createIndex({ room: 1, seq: 1 }, { name: roomIndex, unique: true })).pipe(
      Effect.as(true),
      // Asked for, since not every server says by its error's code that there are two of one.
      Effect.catch((error) =>
        Effect.flatMap(hasTwins(collection), (has) => (has ? Effect.succeed(false) : Effect.fail(error)))
      )
    )
  })
