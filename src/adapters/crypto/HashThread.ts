import { setTimeout } from "node:timers/promises"
import { Worker } from "node:worker_threads"

/** One hash to make of `password`, or to compare it with. */
export interface HashJob {
  readonly password: string
  readonly cost: number
  readonly hash: string | undefined
}

export type HashAnswer = { readonly value: string | boolean; readonly cpuMillis: number } | { readonly failure: string }

/** The thread runs from the source as from what the compiler made of it. */
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/**
 * A thread of its own for one hash at a time, which gives way to every other thread of the machine: libuv's threads have the event loop's priority, and would take its turns.
 * Started by its first job, and again by the next one after it died.
 */
export class HashThread {
  #worker: Worker | undefined
  /** The last job: what it took of a core, and when it was answered by the machine's clock, milliseconds. Who was kept from the core has rested already. */
  #took = 0
  #endedAt = 0

  /** Rejects where bcrypt refuses, or the thread dies. One job at a time: whoever calls waits for the last. */
  run(job: HashJob): Promise<string | boolean> {
    return new Promise((resolve, reject) => {
      const worker = (this.#worker ??= this.#start())
      const settle = (done: () => void): void => {
        worker.off("message", onAnswer)
        worker.off("exit", onExit)
        worker.unref()
        this.#endedAt = performance.now()
        done()
      }
      const onAnswer = (answer: HashAnswer): void =>
        settle(() => {
          if ("failure" in answer) return reject(new Error(answer.failure))
          this.#took = answer.cpuMillis
          resolve(answer.value)
        })
      const onExit = (): void => settle(() => reject(new Error("the thread that hashes passwords ended")))
      // Keeps the program alive while somebody waits for it, and no longer.
      worker.ref()
      worker.on("message", onAnswer)
      worker.on("exit", onExit)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(job)
    })
  }

  /** Settles when what the last job took of a core was `share` of the time since, or more. */
  async rested(share: number): Promise<void> {
    const rest = this.#endedAt + this.#took * (1 / share - 1) - performance.now()
    if (rest > 0) await setTimeout(rest)
  }

  /** After the hash that is under way. */
  async end(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    // Nothing that the process was told to preload (an agent, a loader) belongs in there.
    const worker = new Worker(new URL(`./HashWorker.${extension}`, import.meta.url), { name: "hash", execArgv: [] })
    // Said by `exit`, which follows.
    worker.on("error", () => {})
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    return worker
  }
}
