import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { Timeline, keptWhileFollowing } from "../../../../src/adapters/http/page/assets/timeline.js"

const message = (seq: number, given: { id?: string; from?: string; guest?: boolean } = {}) => ({
  from: "ada",
  message: `message ${seq}`,
  date: "2026-11-22T10:00:00.000Z",
  id: `id-${seq}`,
  guest: false,
  seq,
  ...given
})

const positions = (timeline: Timeline) => timeline.messages.map(({ seq }) => seq)

describe("the page's timeline", () => {
  it("shows a position once, however often it comes", () => {
    const timeline = new Timeline()
    expect([7, 8, 7, 8, 9, 1].map((seq) => timeline.receive(message(seq)))).toEqual([
      "new",
      "new",
      "known",
      "known",
      "new",
      "known"
    ])
    expect(positions(timeline)).toEqual([7, 8, 9])
  })

  it("does not take a message behind a hole, and takes it once the hole is filled", () => {
    const timeline = new Timeline()
    timeline.receive(message(1))
    expect(timeline.receive(message(3))).toBe("hole")
    expect(positions(timeline)).toEqual([1])
    timeline.receive(message(2))
    expect(timeline.receive(message(3))).toBe("new")
    expect(positions(timeline)).toEqual([1, 2, 3])
  })

  it("says that messages are missing where the log no longer has them", () => {
    const timeline = new Timeline()
    timeline.receive(message(1))
    timeline.receive(message(9))
    expect(timeline.receive(message(9))).toBe("new")
    expect(timeline.messages.at(-1)).toMatchObject({ seq: 9, gap: true })
  })

  it.prop(
    "whatever arrives in whatever order, what is shown is one run of positions without a hole",
    { seqs: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))) },
    ({ seqs }) => {
      const timeline = new Timeline()
      for (const seq of seqs) timeline.receive(message(seq))
      const shown = timeline.messages
      shown.forEach(({ seq, ...rest }, index) => {
        const before = shown[index - 1]?.seq
        if (before !== undefined && !("gap" in rest)) expect(seq).toBe(before + 1)
        if (before !== undefined) expect(seq).toBeGreaterThan(before)
      })
    }
  )

  it("takes an older page only where it ends right before the first message", () => {
    const timeline = new Timeline()
    timeline.receive(message(10))
    expect(timeline.prepend([message(5), message(6)])).toBe(0)
    expect(timeline.prepend([message(8), message(9), message(10)])).toBe(2)
    expect(positions(timeline)).toEqual([8, 9, 10])
  })

  it("a message is sending until its own copy arrives, known by its id", () => {
    const timeline = new Timeline()
    timeline.write("mine", "hello", "2026-11-22T10:00:00.000Z")
    timeline.receive(message(1))
    expect(timeline.unconfirmed().map(({ id }) => id)).toEqual(["mine"])
    timeline.receive(message(2, { id: "mine" }))
    expect(timeline.outgoing.size).toBe(0)
  })

  it("an acknowledged message stays until the copy that is on its way arrives", () => {
    const timeline = new Timeline()
    timeline.receive(message(1))
    timeline.write("mine", "hello", "2026-11-22T10:00:00.000Z")
    timeline.acknowledge("mine", 2)
    expect(timeline.outgoing.size).toBe(1)
    timeline.receive(message(2, { id: "mine" }))
    expect(timeline.outgoing.size).toBe(0)
    timeline.write("again", "hello", "2026-11-22T10:00:00.000Z")
    timeline.acknowledge("again", 2)
    expect(timeline.outgoing.size).toBe(0)
  })

  it("a rejected message keeps its reason, and is sent again under the same id", () => {
    const timeline = new Timeline()
    timeline.write("mine", "hello", "2026-11-22T10:00:00.000Z")
    timeline.reject("mine", "The room is busy.", true)
    expect(timeline.unconfirmed()).toEqual([])
    expect(timeline.outgoing.get("mine")).toMatchObject({ state: "rejected", reason: "The room is busy." })
    expect(timeline.retry("mine")).toMatchObject({ id: "mine", state: "sending" })
    expect(timeline.retry("mine")).toBeUndefined()
  })

  it("a guest's message is the reader's own only if this page sent it, whatever the name", () => {
    const timeline = new Timeline()
    timeline.write("mine", "hello", "2026-11-22T10:00:00.000Z")
    expect(timeline.isMine(message(1, { id: "mine", guest: true }), undefined)).toBe(true)
    expect(timeline.isMine(message(2, { from: "ada", guest: true }), "ada")).toBe(false)
    expect(timeline.isMine(message(3, { from: "ada" }), "ada")).toBe(true)
    expect(timeline.isMine(message(3, { from: "ada" }), undefined)).toBe(false)
  })

  it("lets the oldest go while the reader follows, and keeps what he reads while he does not", () => {
    const timeline = new Timeline()
    for (let seq = 1; seq <= keptWhileFollowing + 100; seq++) timeline.receive(message(seq))
    expect(timeline.messages.length).toBe(keptWhileFollowing)
    expect(timeline.last).toBe(keptWhileFollowing + 100)
    timeline.following = false
    for (let seq = timeline.last + 1; seq <= 1_000; seq++) timeline.receive(message(seq))
    expect(timeline.first).toBe(101)
  })
})
