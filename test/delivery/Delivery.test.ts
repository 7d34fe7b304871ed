import { rmSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { faults, withFault } from "./faults/Fault.ts"
import type { Fault } from "./faults/Fault.ts"
import { onEachStores } from "../support/Stores.ts"
import { run } from "./Run.ts"

await onEachStores("a real server under crashes, drops, stalls and repeated sends", (stores) => {
  it("keeps its promises to every client: one order without a hole, each message once, nothing lost", async () => {
    const own = await stores.make("")
    try {
      const outcome = await run({ seed: 1, seconds: 4, clients: 12, rooms: 2, kills: 2, env: own.env })
      expect(outcome.report).toEqual([])
      expect(outcome.kills).toBe(2)
      expect(outcome.reconnects).toBeGreaterThan(2)
      expect(outcome.acknowledged).toBeGreaterThan(10)
      expect(outcome.repeats).toBeGreaterThan(0)
      expect(outcome.deliveries).toBeGreaterThan(100)
    } finally {
      await own.remove()
    }
  })
})

describe("a room that speaks the classic wire and Centrifugo's at once", () => {
  it("keeps its promises to both: one order without a hole, over cuts from which an SDK recovers by itself", async () => {
    const options = { seed: 1, seconds: 4, clients: 12, rooms: 2, kills: 1 }
    const outcome = await run({ ...options, wires: ["classic", "centrifuge"] })
    expect(outcome.report).toEqual([])
    expect(outcome.kills).toBe(1)
    expect(outcome.reconnects).toBeGreaterThan(2)
    expect(outcome.acknowledged).toBeGreaterThan(10)
    expect(outcome.deliveries).toBeGreaterThan(100)
  })
})

describe("a server whose journal has a bug", () => {
  /** What may be noticed first of each. */
  const noticed: Readonly<Record<Fault, ReadonlyArray<string>>> = {
    // A log that has become shorter gives a newcomer's history from further back than anybody may still get: a first position too low.
    "publish before commit": ["nothing lost", "without a hole", "one order", "acknowledged at its place", "once"],
    "a dropped entry": ["acknowledged at its place", "nothing lost"],
    "a swapped pair": ["one order", "acknowledged at its place"],
    "a duplicate on retry": ["once"]
  }
  for (const fault of faults) {
    it(`is caught: ${fault}`, async () => {
      const outcome = await run({ seed: 1, seconds: 20, clients: 12, rooms: 1, kills: 8, env: withFault(fault) })
      if (outcome.directory !== undefined) rmSync(outcome.directory, { recursive: true })
      expect(noticed[fault]).toContain(outcome.broken)
      // Nothing is lost before something is killed.
      expect(outcome.kills).toBeGreaterThanOrEqual(fault === "publish before commit" ? 1 : 0)
      expect(outcome.report[0]).toContain(`broken: ${outcome.broken}`)
    })
  }
})
