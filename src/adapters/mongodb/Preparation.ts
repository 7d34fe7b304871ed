import { randomUUID } from "node:crypto"
import type { Db } from "mongodb"
import { Effect } from "effect"
import { Epoch } from "../../domain/Room.ts"
import { messageCollection, metaCollection } from "./Collections.ts"
import { MongoOpenError } from "./MongoOpenError.ts"
import { takeOver, takeOverIndex } from "./TakeOver.ts"

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
    yield* takeOver(collection)
    yield* Effect.tryPromise({
      try: async () => {
        // The room's order, and the fence: nobody writes a position twice.
        await collection.createIndex({ room: 1, seq: 1 }, { name: "parley_room_seq", unique: true })
        // One at a time: FerretDB 1.24 ends the connection over two that exist.
        await collection.createIndex({ key: 1 }, { name: "parley_key", unique: true, sparse: true })
        const indexes = await collection.indexes()
        if (indexes.some(({ name }) => name === takeOverIndex)) await collection.dropIndex(takeOverIndex)
      },
      catch: (error) => error
    })
    return Epoch.make(meta.epoch)
  })
