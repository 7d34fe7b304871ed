import { describe, expect, it } from "@effect/vitest"
import { Histogram, quantileOf } from "../../src/domain/Histogram.ts"

describe("a histogram", () => {
  it("counts a value in the bucket whose bound it does not pass", () => {
    const seen = new Histogram([1, 2, 4])
    for (const value of [0, 1, 1.5, 2, 4, 5, 100]) seen.observe(value)
    expect(Array.from(seen.counts)).toEqual([2, 2, 1, 2])
    expect([seen.count, seen.sum]).toEqual([7, 113.5])
  })

  it("tells quantiles as Prometheus does: linear inside a bucket", () => {
    expect(quantileOf([1, 2, 4], [0, 10, 0, 0], 0.5)).toBe(1.5)
    expect(quantileOf([1, 2, 4], [10, 10, 0, 0], 0.99)).toBeCloseTo(1.98)
    expect(quantileOf([1, 2, 4], [0, 0, 0, 3], 0.5)).toBe(4)
    expect(quantileOf([1, 2, 4], [0, 0, 0, 0], 0.5)).toBe(0)
  })
})
