import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import type { Scope } from "effect"
import type { FromReader, FromWriter, JournalFile, ReadRequest, Submissions } from "./JournalProtocol.ts"

interface Threads {
  readonly JournalWorker: { readonly received: FromWriter; readonly sent: Submissions }
  readonly JournalReadWorker: { readonly received: FromReader; readonly sent: ReadRequest }
}

/** The threads run from the sources as from what the compiler made of them. */
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/**
 * Starts a thread of the journal and gives the function that sends to it; what is sent before it runs waits. When the scope ends, the
 * thread is told to close and awaited. `onEnd` is called once, whenever and however it ends.
 */
export const startThread = <Module extends keyof Threads>(options: {
  readonly module: Module
  readonly file: JournalFile
  readonly onMessage: (message: Threads[Module]["received"]) => void
  readonly onEnd: (why: string) => void
}): Effect.Effect<(message: Threads[Module]["sent"]) => void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(new URL(`./${options.module}.${extension}`, import.meta.url), {
        name: options.module,
        workerData: options.file,
        // Nothing that the process was told to preload (an agent, a loader) belongs in here.
        execArgv: []
      })
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      const post = (message: Threads[Module]["sent"] | "close"): void => worker.postMessage(message)
      let why = `the thread ${options.module} ended`
      let ended = false
      worker.on("message", options.onMessage)
      // An exception that nobody caught in there; `exit` follows.
      worker.on("error", (error) => {
        why = error instanceof Error ? error.message : String(error)
      })
      worker.once("exit", () => {
        ended = true
        options.onEnd(why)
      })
      return { worker, post, hasEnded: () => ended }
    }),
    ({ worker, post, hasEnded }) =>
      Effect.callback<void>((resume) => {
        if (hasEnded()) return resume(Effect.void)
        worker.once("exit", () => resume(Effect.void))
        post("close")
      })
  ).pipe(Effect.map(({ post }) => post))
