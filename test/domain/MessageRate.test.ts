import { assert, describe, it } from "@effect/vitest"
import { MessageRate } from "../../src/domain/MessageRate.ts"

describe("MessageRate", () => {
  it("grants a burst at once, then the average, and says how long to wait", () => {
    const rate = new MessageRate({ perSecond: 5, burst: 20 })
    for (let i = 0; i < 20; i++) assert.strictEqual(rate.take("alice", 1_000), 0)
    assert.strictEqual(rate.take("alice", 1_000), 200)
    assert.strictEqual(rate.take("alice", 1_199), 1)
    assert.strictEqual(rate.take("alice", 1_200), 0)
    assert.strictEqual(rate.take("alice", 1_200), 200)
  })

  it("counts keys apart", () => {
    const rate = new MessageRate({ perSecond: 1, burst: 1 })
    assert.strictEqual(rate.take("alice", 0), 0)
    assert.strictEqual(rate.take("bob", 0), 0)
    assert.isAbove(rate.take("alice", 0), 0)
  })

  it("takes nothing for a refused frame", () => {
    const rate = new MessageRate({ perSecond: 1, burst: 1 })
    rate.take("alice", 0)
    for (let i = 0; i < 100; i++) rate.take("alice", 500)
    assert.strictEqual(rate.take("alice", 1_000), 0)
  })

  it("has no limit at 0 a second, and remembers nobody", () => {
    const rate = new MessageRate({ perSecond: 0, burst: 0 })
    for (let i = 0; i < 1_000; i++) assert.strictEqual(rate.take("alice", 0), 0)
    assert.strictEqual(rate.size, 0)
  })

  it("is bounded: those whose allowance is full again are forgotten first, then the oldest", () => {
    const rate = new MessageRate({ perSecond: 1, burst: 1, maxKeys: 3 })
    rate.take("a", 0)
    rate.take("b", 5_000)
    rate.take("c", 5_000)
    rate.take("d", 5_000)
    assert.strictEqual(rate.size, 3)
    assert.isAbove(rate.take("b", 5_000), 0)
    rate.take("e", 5_000)
    assert.strictEqual(rate.size, 3)
    assert.strictEqual(rate.take("b", 5_000), 0)
  })
})
