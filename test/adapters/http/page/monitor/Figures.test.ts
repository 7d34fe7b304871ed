import { describe, expect, it } from "@effect/vitest"
import { written as writtenByPage } from "../../../../../src/adapters/http/page/assets/monitor/format.js"
import { written } from "../../../../../src/adapters/http/page/Figures.ts"
import type { Unit } from "../../../../../src/adapters/http/page/Figures.ts"

const values = [0, 0.004, 0.5, 1, 9.99, 12.34, 99.95, 100, 1234.5, 3_725, 90_061, 1_234_567, 5 * 2 ** 30]
const units: ReadonlyArray<Unit> = ["bytes", "count", "millis", "rate", "share", "span"]

describe("the monitor's figures", () => {
  it.each(units)("in %s do not change when the page's script takes over from the shell", (unit) => {
    expect(values.map(writtenByPage[unit])).toEqual(values.map(written[unit]))
  })

  it("are written for people", () => {
    expect(written.bytes(204 * 2 ** 20)).toBe("204 MiB")
    expect(written.bytes(0)).toBe("0 B")
    expect(written.count(1_234_567)).toBe("1,234,567")
    expect(written.millis(0.125)).toBe("0.13 ms")
    expect(written.rate(88.54)).toBe("88.5")
    expect(written.share(22.81)).toBe("22.8 %")
    expect([59, 60, 3_725, 90_061].map(written.span)).toEqual(["59 s", "1 min", "1 h 2 min", "1 d 1 h"])
  })
})
