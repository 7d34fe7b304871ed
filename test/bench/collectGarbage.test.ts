import { setImmediate } from "node:timers/promises"
import { expect, it } from "vitest"
import { collectGarbage } from "../../bench/load/collectGarbage.ts"

it("What nobody holds is gone when the garbage was collected", async () => {
  const kept = new WeakRef({ name: "kept" })
  const dropped = Array.from({ length: 100 }, (_, index) => new WeakRef({ index }))
  const holder = kept.deref()
  // A WeakRef holds its object until the job is over that made it.
  await setImmediate()
  collectGarbage()
  expect(dropped.filter((ref) => ref.deref() !== undefined)).toHaveLength(0)
  expect(kept.deref()).toBe(holder)
})
