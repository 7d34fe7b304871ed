import { setPriority } from "node:os"
import { parentPort } from "node:worker_threads"
import { hashSync, verifySync } from "@node-rs/bcrypt"
import type { HashAnswer, HashJob } from "./HashThread.ts"

/** As `nice -n 10`: a chat that wants the core has nine tenths of it, and hashes that nobody disturbs are as fast as ever. */
const niceness = 10

const port = parentPort
if (port === null) throw new Error("passwords are hashed in a worker thread")

// Linux alone keeps a priority for each thread; elsewhere this would slow the whole process.
if (process.platform === "linux") setPriority(0, niceness)

const answer = (job: HashJob): HashAnswer => {
  try {
    const began = performance.now()
    const value =
      job.hash === undefined
        ? hashSync(job.password, { cost: job.cost, rejectLongPasswords: true })
        : verifySync(job.password, job.hash)
    return { value, millis: performance.now() - began }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
port.on("message", (job: HashJob) => port.postMessage(answer(job)))
