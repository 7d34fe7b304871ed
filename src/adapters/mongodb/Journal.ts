import { Effect, Layer, Redacted, Semaphore } from "effect"
import { messageText } from "../../domain/MessageView.ts"
import type { RoomEvent } from "../../domain/RoomEvent.ts"
import { appendBy, Journal, JournalError } from "../../ports/Journal.ts"
import type { Submit } from "../../ports/Journal.ts"
import { makeGathering } from "../journal/Gathering.ts"
import type { GatheredBatch } from "../journal/Gathering.ts"
import { messageCollection } from "./Collections.ts"
import { commit, unanswered } from "./Commit.ts"
import type { Insert, Submission } from "./Commit.ts"
import { connect } from "./Connection.ts"
import { insertFailure } from "./InsertFailure.ts"
import type { InsertFailure } from "./InsertFailure.ts"
import { openProblem } from "./MongoOpenError.ts"
import type { MongoOpenError } from "./MongoOpenError.ts"
import { prepare } from "./Preparation.ts"
import { RoomHeads } from "./RoomHeads.ts"
import { makeRoomReads } from "./RoomReads.ts"

export interface MongoJournalOptions {
  readonly uri: Redacted.Redacted
  /** Where it is not set, the database that the URI's path names; where that names none, `go-chat-app`, the original's. */
  readonly database?: string | undefined
  /** Connections at most (16). One is the commits'; reads share the others. */
  readonly poolSize?: number | undefined
  /** To find a server that can be written to, to connect, to wait for a free connection: 5,000 ms each. Past it an append is `Refused`. */
  readonly connectTimeoutMillis?: number | undefined
  /** A server that does not answer for so long: 5,000 ms. Past it an append is `Unknown`, a read `Refused`. */
  readonly answerTimeoutMillis?: number | undefined
  /** One step of the preparation (an index over all messages, say) may take so long: 1 hour. */
  readonly preparationTimeoutMillis?: number | undefined
  /** Called after every commit with the batches and the events it held. Must not throw. */
  readonly onCommit?: ((batches: number, events: number, millis: number) => void) | undefined
}

/** One commit holds so much at most: far below what one command may be (48 MB, 100,000 documents), and short enough to be answered soon. */
const commitCapacity = { size: 4 * 1024 * 1024, events: 2_048 }

/** What a document takes beside its text, about. */
const documentCharacters = 256

/** Reads that may wait for a connection; past it they are `Refused`. */
const waitingReads = 1_024

type Batch = Submission & GatheredBatch

const sizeOf = (events: ReadonlyArray<RoomEvent>): number =>
  events.reduce((size, { payload }) => size + documentCharacters + messageText(payload).length, 0)

/**
 * A journal in the collection `chat_history` of MongoDB. What is answered was written to the journal (the storage's) of a majority of the replica set; how durable that
 * is on a server that is not MongoDB is that server's to say. When the layer is built the database is prepared, and what the original
 * application wrote is taken over (see `takeOver`): whoever builds it owns the database. When the scope ends, what waits is committed.
 *
 * It needs no transactions and no change streams. Two unique indexes hold what is promised: a position is written once, an id is stored
 * once. So a write that lands late is the same entry, or none; and an owner that was frozen meanwhile is `Fenced`.
 *
 * `Refused`: the server cannot be reached, or says no. `Unknown`: it was sent and not answered. Neither needs a restart: the next call finds the server
 * again. `Broken`: a document that this release cannot read, for the room that it is in.
 */
export const layer = (options: MongoJournalOptions): Layer.Layer<Journal, MongoOpenError> =>
  Layer.effect(
    Journal,
    Effect.gen(function* () {
      const { connectTimeoutMillis = 5_000, answerTimeoutMillis = 5_000, poolSize = 16 } = options
      const connection = {
        uri: options.uri,
        database: options.database,
        connectTimeoutMillis,
        answerTimeoutMillis,
        poolSize: Math.max(poolSize, 2)
      }
      const epoch = yield* Effect.scoped(
        Effect.gen(function* () {
          const { preparationTimeoutMillis = 3_600_000 } = options
          const { db } = yield* connect({ ...connection, poolSize: 2, answerTimeoutMillis: preparationTimeoutMillis })
          return yield* Effect.mapError(prepare(db), (error) =>
            openProblem(Redacted.value(options.uri), connectTimeoutMillis, error)
          )
        })
      )
      const { client, db } = yield* connect(connection)
      const collection = messageCollection(db)
      const heads = new RoomHeads()
      const deadlineMillis = connectTimeoutMillis + answerTimeoutMillis
      const reads = makeRoomReads(collection, heads, deadlineMillis)

      // One insert is under way at a time. The event comes right before a command's bytes are handed to the socket.
      let sent = false
      client.on("commandStarted", ({ commandName, databaseName }) => {
        if (commandName === "insert" && databaseName === db.databaseName) sent = true
      })
      const insert: Insert = (documents) =>
        Effect.tryPromise({
          try: (signal) => {
            sent = false
            const settings = { ordered: true, signal }
            return collection.insertMany([...documents], settings)
          },
          catch: (error) => insertFailure(error, sent)
        }).pipe(
          // The driver waits for ever where a connection ended a moment before it was written to. The signal gives that connection back.
          Effect.timeoutOrElse({
            duration: deadlineMillis,
            orElse: () =>
              Effect.fail<InsertFailure>({
                type: "Unknown",
                detail: `MongoDB did not answer within ${deadlineMillis} ms`
              })
          }),
          Effect.as(undefined),
          Effect.catch((failure) => {
            // Whoever waits would only wait for the same.
            if (failure.type === "Unsent") {
              commits.refuseWaiting(new JournalError({ reason: "Refused", detail: failure.detail }))
            }
            return Effect.succeed(failure)
          })
        )

      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const commits = makeGathering<Batch>({
        capacity: commitCapacity,
        onCommit: options.onCommit ?? (() => {}),
        commit: (batches) => {
          fork(
            Effect.map(commit(batches, insert, reads, heads), (answers) =>
              commits.answered((_, index) => answers[index] ?? unanswered)
            )
          )
        }
      })

      const submit: Submit = (room, expectedHead, events, answered) =>
        commits.submit({ room, expectedHead, events, count: events.length, size: sizeOf(events), answered })

      let closed = false
      const closedError = new JournalError({ reason: "Refused", detail: "the journal is closed" })
      yield* Effect.addFinalizer(() =>
        Effect.callback<void>((resume) =>
          commits.finish(() => {
            closed = true
            resume(Effect.void)
          })
        )
      )

      const permits = Semaphore.makeUnsafe(connection.poolSize - 1)
      let asked = 0
      const bounded = <A>(read: Effect.Effect<A, JournalError>): Effect.Effect<A, JournalError> =>
        Effect.suspend(() => {
          if (closed) return Effect.fail(closedError)
          if (asked >= waitingReads) {
            return Effect.fail(new JournalError({ reason: "Refused", detail: `${waitingReads} reads wait already` }))
          }
          asked++
          return Effect.ensuring(
            permits.withPermit(read),
            Effect.sync(() => void asked--)
          )
        })

      return {
        epoch,
        append: appendBy(submit),
        submit,
        ping: bounded(reads.ping),
        head: (room) =>
          bounded(reads.head(room)).pipe(
            Effect.tap((head) =>
              Effect.sync(() => {
                // Only where nothing is known: an append that is under way knows better.
                if (heads.get(room) === undefined) heads.set(room, head)
              })
            )
          ),
        read: (room, after, limit) => bounded(reads.read(room, after, limit))
      }
    })
  )
