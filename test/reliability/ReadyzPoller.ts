import { parentPort, workerData } from "node:worker_threads"

// A thread of its own: the process that holds 1,000 sockets is busy when they all are closed, and would measure itself.
const url: unknown = workerData
/** The first says that asking has begun. */
let asked = false
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const say = (status: number): void => parentPort?.postMessage({ status, at: Date.now() })
for (;;) {
  const status = await fetch(String(url)).then(
    (reply) => reply.status,
    () => 0
  )
  if (!asked) say(status)
  asked = true
  if (status === 200) continue
  say(status)
  break
}
