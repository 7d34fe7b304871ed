import type { Collection } from "mongodb"
import { Effect, Result } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { AnyDocument } from "./Collections.ts"
import type { RoomHeads } from "./RoomHeads.ts"
import { fromDocument } from "./StoredDocument.ts"

/** A cursor fetches so many documents at a time. */
const cursorDocuments = 1_000

export interface RoomReads {
  readonly ping: Effect.Effect<void, JournalError>
  readonly head: (room: RoomName) => Effect.Effect<Seq, JournalError>
  readonly read: (room: RoomName, after: number, limit: number) => Effect.Effect<ReadonlyArray<Entry>, JournalError>
  /** The entries of this room that carry one of these stored keys. */
  readonly withKeys: (
    room: RoomName,
    keys: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, Entry>, JournalError>
}

const refused = (detail: string): JournalError => new JournalError({ reason: "Refused", detail })

/** What the driver says of the server; a message's content is never in it. */
export const mongoDetail = (error: unknown): string =>
  error instanceof Error
    ? `MongoDB: ${"codeName" in error && typeof error.codeName === "string" ? error.codeName : (error.message.split("\n")[0] ?? "")}`
    : "MongoDB: no reason given"

/** Reads of single rooms: indexed, bounded, each with a deadline. What fails is `Refused`; `Broken` is what cannot be read. */
export const makeRoomReads = (
  collection: Collection<AnyDocument>,
  heads: RoomHeads,
  deadlineMillis: number
): RoomReads => {
  const query = <A>(find: (signal: AbortSignal) => Promise<A>) =>
    Effect.tryPromise({ try: find, catch: (error) => refused(mongoDetail(error)) }).pipe(
      Effect.timeoutOrElse({
        duration: deadlineMillis,
        orElse: () => Effect.fail(refused(`MongoDB did not answer within ${deadlineMillis} ms`))
      })
    )

  return {
    ping: Effect.asVoid(query((signal) => collection.db.command({ ping: 1 }, { signal }))),
    head: Effect.fnUntraced(function* (room) {
      const found = yield* query((signal) =>
        collection
          .find({ room }, { signal, projection: { _id: 0, seq: 1 } })
          .sort({ seq: -1 })
          .limit(1)
          .toArray()
      )
      const seq = found[0] === undefined ? 0 : found[0].seq
      if (typeof seq !== "number" || !Number.isSafeInteger(seq))
        return yield* new JournalError({ reason: "Broken", detail: "a position that is not a number" })
      // After a failover a primary may, for a moment, not see yet what a majority acknowledged.
      if (seq < (heads.get(room) ?? 0)) return yield* refused("MongoDB has not caught up with what it acknowledged")
      return Seq.make(seq)
    }),

    read: Effect.fnUntraced(function* (room, after, limit) {
      const found = yield* query((signal) =>
        collection
          .find(
            { room, seq: { $gt: after, $lte: after + limit } },
            { signal, projection: { _id: 0 }, batchSize: Math.min(limit + 1, cursorDocuments) }
          )
          .sort({ seq: 1 })
          .limit(limit)
          .toArray()
      )
      const entries: Array<Entry> = []
      for (const document of found) {
        const entry = fromDocument(room, document)
        if (Result.isFailure(entry)) return yield* Effect.fail(entry.failure)
        if (entry.success.seq !== after + 1 + entries.length)
          return yield* new JournalError({ reason: "Broken", detail: "a room's log has a hole" })
        entries.push(entry.success)
      }
      return entries
    }),

    withKeys: Effect.fnUntraced(function* (room, keys) {
      const byKey = new Map<string, Entry>()
      if (keys.length === 0) return byKey
      const found = yield* query((signal) =>
        collection.find({ key: { $in: keys } }, { signal, projection: { _id: 0 } }).toArray()
      )
      for (const document of found) {
        const entry = fromDocument(room, document)
        if (Result.isFailure(entry)) return yield* Effect.fail(entry.failure)
        if (typeof document.key === "string") byKey.set(document.key, entry.success)
      }
      return byKey
    })
  }
}
