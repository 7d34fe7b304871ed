// Preloaded into a server process (`--import`): does, at SIGUSR2, what the file that PLANT names says, and says on the terminal that it did.
import { readFileSync } from "node:fs"
import { Session } from "node:inspector"
import type { HeapProfiler } from "node:inspector"
import { isMainThread } from "node:worker_threads"
import type { Planted } from "./Plant.ts"

const wallClock = Date.now
let jumpedMillis = 0

const figures = (): string => {
  globalThis.gc?.()
  globalThis.gc?.()
  const handles = process.getActiveResourcesInfo().filter((name) => name !== "Timeout" && name !== "Immediate").length
  return JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, handles })
}

const session = new Session()

/** An object in so many bytes is looked at. */
const samplingInterval = 512

const sample = (): string => {
  session.connect()
  session.post("HeapProfiler.startSampling", {
    samplingInterval,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true
  } as HeapProfiler.StartSamplingParameterType)
  return ""
}

const sampled = (): string => {
  const bytes: Record<string, number> = {}
  const add = ({ callFrame, children, selfSize }: HeapProfiler.SamplingHeapProfileNode): void => {
    bytes[callFrame.url] = (bytes[callFrame.url] ?? 0) + selfSize
    children.forEach(add)
  }
  // In this process the answer is there before `post` returns.
  session.post("HeapProfiler.stopSampling", (error, result) => {
    if (error === null) add(result.profile.head)
  })
  return JSON.stringify(bytes)
}

const act = (planted: Planted): string => {
  switch (planted.what) {
    case "clock":
      jumpedMillis += planted.millis
      return ""
    case "defect":
      setImmediate(() => {
        throw new Error("a defect that nobody caught")
      })
      return ""
    case "rejection":
      void Promise.reject(new Error("a defect that nobody caught"))
      return ""
    case "sample":
      return sample()
    case "sampled":
      return sampled()
    default:
      return figures()
  }
}

if (isMainThread) {
  Date.now = () => wallClock() + jumpedMillis
  process.on("SIGUSR2", () => {
    const planted = JSON.parse(readFileSync(process.env["PLANT"] ?? "", "utf8")) as Planted & {
      readonly number: number
    }
    process.stdout.write(`planted ${planted.number} ${act(planted)}\n`)
  })
}
