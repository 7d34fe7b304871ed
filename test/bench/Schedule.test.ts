import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { Latencies } from "../../bench/load/Latencies.ts"
import { Schedule } from "../../bench/load/Schedule.ts"

it("The first message is due at the start, the others one interval after another", () => {
  const schedule = new Schedule({ start: 1000, ratePerSecond: 20, seconds: 2 })
  expect(schedule.messages).toBe(40)
  expect([0, 1, 39].map((index) => schedule.dueAt(index))).toEqual([1000, 1050, 2950])
})

it("A message is due from its very moment on, and nothing is due after the last", () => {
  const schedule = new Schedule({ start: 1000, ratePerSecond: 20, seconds: 2 })
  expect([999, 1000, 1049.9, 1050, 2949.9, 2950, 9999].map((now) => schedule.dueBy(now))).toEqual([
    0, 1, 1, 2, 39, 40, 40
  ])
})

const upTo = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }))

it.prop(
  "Whatever the rate, so many messages are due by the moment of one as stand before it, and itself",
  [upTo(5000), upTo(5000), upTo(1_000_000)],
  ([rate, index, start]) => {
    const schedule = new Schedule({ start: start / 7, ratePerSecond: rate, seconds: 2 })
    const asked = index % schedule.messages
    expect(schedule.dueBy(schedule.dueAt(asked))).toBe(asked + 1)
  }
)

it("A server that stops answering is not made to look fast by what it never delivered", () => {
  const latencies = new Latencies()
  // 98 deliveries in 1 ms, then nothing: two messages that were due 3 and 2 seconds ago.
  for (let index = 0; index < 98; index++) latencies.record(1)
  expect(latencies.percentiles()).toMatchObject({ count: 98, p99: 1, max: 1 })
  latencies.recordMissing([7000, 8000], 10_000)
  const { count, max, p50, p99 } = latencies.percentiles()
  expect([count, p50]).toEqual([100, 1])
  expect(p99).toBeCloseTo(2000, -2)
  expect(max).toBeCloseTo(3000, -2)
})
