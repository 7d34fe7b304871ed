import { setPriority } from "node:os"
import { parentPort } from "node:worker_threads"
import { hashSync, verifySync } from "@node-rs/bcrypt"
import type { HashAnswer, HashJob } from "./HashThread.ts"

/** As `nice -n 5`: a chat that wants the same core has three quarters of it, and hashes that nobody disturbs are as fast as ever. */
const niceness = 5

const port = parentPort
if (port === null) throw new Error("passwords are hashed in a worker thread")

// Linux alone keeps a priority for each thread; elsewhere this would slow the whole process.
if (process.platform === "linux") setPriority(0, niceness)

const answer = (job: HashJob): HashAnswer => {
  try {
    const began = process.threadCpuUsage()
    const value =
      job.hash === undefined
        ? hashSync(job.password, { cost: job.cost, rejectLongPasswords: true })
        : verifySync(job.password, job.hash)
    const { system, user } = process.threadCpuUsage(began)
    return { value, cpuMillis: (system + user) / 1_000 }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
port.on("message", (job: HashJob) => port.postMessage(answer(job)))
