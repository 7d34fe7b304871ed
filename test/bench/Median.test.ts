import { expect, it } from "vitest"
import { median, medianOf, ratioOf } from "../../bench/report/Median.ts"
import { secondsOfPs } from "../../bench/server/ProcessUsage.ts"

it("A median lies in the middle, whatever the order", () => {
  expect(median([30, 1, 2])).toBe(2)
  expect(median([4, 1, 30, 2])).toBe(3)
  expect(median([])).toBeNaN()
})

it("There is no median of a figure that a turn did not measure", () => {
  expect(medianOf([{ a: 1 }, { a: 3 }], ({ a }) => a)).toBe(2)
  expect(medianOf([{ a: 1 }, { a: undefined }], ({ a }) => a)).toBeUndefined()
  expect(medianOf([], () => 1)).toBeUndefined()
})

it("A ratio is of medians, and its range of turns of one round", () => {
  const turn = (round: number, rate: number | undefined) => ({ round, rate })
  const own = [turn(1, 1000), turn(2, 2000), turn(3, 1500)]
  const peer = [turn(2, 50), turn(1, 100), turn(3, 60)]
  expect(ratioOf(own, peer, ({ rate }) => rate)).toEqual({ value: 25, range: [10, 40] })
  expect(ratioOf(own, [turn(1, undefined)], ({ rate }) => rate)).toBeUndefined()
})

it("The times that ps prints are read", () => {
  expect(secondsOfPs("0:01.50")).toBe(1.5)
  expect(secondsOfPs("01:02:03")).toBe(3723)
  expect(secondsOfPs("2-01:00:00")).toBe(176_400)
})
