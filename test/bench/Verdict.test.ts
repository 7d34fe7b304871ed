import { expect, it } from "vitest"
import { isClose, judge } from "../../bench/report/Verdict.ts"

const passes = (value: number, bound: Parameters<typeof judge>[3]) => judge("", value, "×", bound)[0]?.passed

it("A bound is held by whoever reaches it exactly", () => {
  expect([44.9, 45, 46].map((value) => passes(value, { least: 45 }))).toEqual([false, true, true])
  expect([1.0, 1.1, 1.2].map((value) => passes(value, { most: 1.1 }))).toEqual([true, true, false])
  expect(passes(Infinity, { most: 4 })).toBe(false)
})

it("What was not measured is not judged", () => {
  expect(judge("", undefined, "×", { least: 1 })).toEqual([])
  expect(judge("", Number.NaN, "×", { least: 1 })).toEqual([])
})

it("A figure is close to its bound within 15 % of it, on either side", () => {
  const close = (value: number) => judge("", value, "×", { least: 100 }).map(isClose)
  expect([84, 85, 115, 116].flatMap(close)).toEqual([false, true, true, false])
})
