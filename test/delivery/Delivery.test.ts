import { rmSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { faults, withFault } from "./faults/Fault.ts"
import type { Fault } from "./faults/Fault.ts"
import { run } from "./Run.ts"

describe("a real server under crashes, drops, stalls and repeated sends", () => {
  it("keeps its promises to every client: one order without a hole, each message once, nothing lost", async () => {
    const outcome = await run({ seed: 1, seconds: 4, clients: 12, rooms: 2, kills: 2 })
    expect(outcome.report).toEqual([])
    expect(outcome.kills).toBe(2)
    expect(outcome.reconnects).toBeGreaterThan(10)
    expect(outcome.acknowledged).toBeGreaterThan(100)
    expect(outcome.repeats).toBeGreaterThan(10)
    expect(outcome.deliveries).toBeGreaterThan(1_000)
  })

  /** What may be noticed first of each. */
  const noticed: Readonly<Record<Fault, ReadonlyArray<string>>> = {
    "publish before commit": ["nothing lost", "one order", "acknowledged at its place", "once"],
    "a dropped entry": ["acknowledged at its place", "nothing lost"],
    "a swapped pair": ["one order", "acknowledged at its place"],
    "a duplicate on retry": ["once"]
  }
  for (const fault of faults) {
    it(`is caught where its journal has ${fault}`, async () => {
      const outcome = await run({ seed: 1, seconds: 20, clients: 12, rooms: 1, kills: 8, env: withFault(fault) })
      if (outcome.directory !== undefined) rmSync(outcome.directory, { recursive: true })
      expect(noticed[fault]).toContain(outcome.broken)
      expect(outcome.report[0]).toContain(`broken: ${outcome.broken}`)
    })
  }
})
