import { describe, expect, it } from "@effect/vitest"
import { jittered, OverloadGauge } from "../../../src/adapters/http/Overload.ts"

describe("the gauge of overload", () => {
  it("rises after three seconds past 250 ms of mean lateness, and falls only below 50", () => {
    const gauge = new OverloadGauge()
    const after = (mean: number): boolean => {
      gauge.look({ mean })
      return gauge.overloaded
    }
    expect([0.251, 0.251, 0.25, 0.9, 0.9].map(after)).toEqual([false, false, false, false, false])
    expect([0.251, 0.1, 0.051, 0.05, 0.9].map(after)).toEqual([true, true, true, false, false])
  })

  it("sends everybody back at another time, 2 to 10 seconds later", () => {
    const waits = Array.from({ length: 1_000 }, (_, n) => jittered(n / 1_000))
    expect([...new Set(waits)]).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})
