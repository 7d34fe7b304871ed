import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Deferred, Effect, Layer, Schema } from "effect"
import { Epoch, defaultRoom } from "../../domain/Room.ts"
import { appendBy, Journal, JournalError } from "../../ports/Journal.ts"
import { makeGroupCommit } from "./GroupCommit.ts"
import type { JournalFile } from "./JournalProtocol.ts"
import { makeJournalReads } from "./JournalReads.ts"
import { startThread } from "./JournalThread.ts"
import { sqliteFailure } from "./SqliteFailure.ts"

/** The journal's file cannot be used. `message` is one line that names it. */
export class JournalOpenError extends Schema.TaggedError<JournalOpenError>()("JournalOpenError", {
  file: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `The journal ${this.file} cannot be opened: ${this.problem}`
  }
}

export interface JournalOptions {
  /** Holds `journal.db` and what SQLite keeps beside it; created, mode 0700, where it is missing. */
  readonly directory: string
  /** The file grows to so many pages (4 KiB each) at most; what does not fit is `Refused`. Without it the disk is the limit. */
  readonly maximumPages?: number | undefined
  /** Called after every commit with the batches and the events it held. Must not throw. */
  readonly onCommit?: ((batches: number, events: number, millis: number) => void) | undefined
  /** Called once when the journal is `Broken`. Must not throw. */
  readonly onBroken?: ((error: JournalError) => void) | undefined
}

/**
 * A journal in one SQLite file, in WAL mode with `synchronous=FULL`: what is answered was synced to the disk. One thread writes, one
 * reads; neither blocks the event loop nor the other. When the scope ends, what waits is committed and the file is closed.
 *
 * `Refused`: the disk is full, another process holds the file; a later append may succeed. `Broken`: an I/O error,
 * damage, or a thread that died: everything that waits and everything later fails with it until the layer is built again.
 */
export const layer = (options: JournalOptions): Layer.Layer<Journal, JournalOpenError> =>
  Layer.effect(
    Journal,
    Effect.gen(function* () {
      const path = join(options.directory, "journal.db")
      const file: JournalFile = { path, maximumPages: options.maximumPages }
      const unopened = (problem: string) => new JournalOpenError({ file: path, problem })
      yield* Effect.try({
        try: () => mkdirSync(options.directory, { recursive: true, mode: 0o700 }),
        catch: (error) => unopened(sqliteFailure(error).detail)
      })

      const opened = yield* Deferred.make<Epoch, JournalOpenError>()
      const commits = makeGroupCommit({
        send: (submissions) => toWriter(submissions),
        onCommit: options.onCommit ?? (() => {})
      })
      const reads = makeJournalReads((request) => toReader(request))
      let phase: "opening" | "serving" | "over" = "opening"
      const fail = (detail: string): void => {
        if (phase === "opening") Deferred.doneUnsafe(opened, Effect.fail(unopened(detail)))
        if (phase !== "serving") return
        phase = "over"
        const error = new JournalError({ reason: "Broken", detail })
        options.onBroken?.(error)
        commits.refuseAll(error)
        reads.refuseAll(error)
      }

      const toWriter = yield* startThread({
        module: "JournalWorker",
        file,
        onMessage: (message) => {
          if (message.type === "committed") commits.committed(message.outcomes)
          else if (message.type === "opened") Deferred.doneUnsafe(opened, Effect.succeed(Epoch.make(message.epoch)))
          else fail(message.detail)
        },
        onEnd: fail
      })
      // Opens the file at the first read, when the writer has prepared it.
      const toReader = yield* startThread({
        module: "JournalReadWorker",
        file,
        onMessage: (message) => {
          if (message.type === "broken") fail(message.detail)
          else reads.answered(message)
        },
        onEnd: fail
      })
      const epoch = yield* Deferred.await(opened)
      phase = "serving"

      // Runs before the threads are closed: the reader, then the writer, since the last connection that closes removes the log.
      yield* Effect.addFinalizer(() =>
        Effect.callback<void>((resume) =>
          commits.finish(() => {
            phase = "over"
            reads.refuseAll(new JournalError({ reason: "Refused", detail: "the journal is closed" }))
            resume(Effect.void)
          })
        )
      )

      return {
        epoch,
        append: appendBy(commits.submit),
        submit: commits.submit,
        ping: Effect.asVoid(reads.head(defaultRoom)),
        head: reads.head,
        read: reads.read
      }
    })
  )
