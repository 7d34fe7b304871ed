import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { decide, decideRepeated, emptyRoom, evolve } from "../../src/domain/RoomDecider.ts"
import type { PostMessage, RoomState } from "../../src/domain/RoomDecider.ts"
import { Seq } from "../../src/domain/Room.ts"
import { ClientId } from "../../src/domain/RoomEvent.ts"
import type { Entry } from "../../src/domain/RoomEvent.ts"

const post = (message: string, id?: string, name = "alice", kind: "account" | "guest" = "account"): PostMessage => ({
  type: "PostMessage",
  author: { kind, name },
  payload: { message },
  id: id === undefined ? undefined : ClientId.make(id),
  at: 1_000
})

/** What stands in the log at 7. */
const storedAt7 = (payload: Schema.Json): Entry => ({
  seq: Seq.make(7),
  event: { type: "MessagePosted", v: 1, author: { kind: "account", name: "a" }, at: 1, payload }
})

/** Given a history, the state: each command accepted in turn. */
const given = (...commands: ReadonlyArray<PostMessage>): RoomState =>
  commands.reduce((state, command) => {
    const decision = decide(state, command)
    if (decision._tag !== "Accepted") return assert.fail("a given command was not accepted")
    const entry: Entry = { seq: Seq.make(state.head + 1), event: decision.event }
    return evolve(state, entry)
  }, emptyRoom)

describe("RoomDecider", () => {
  it("accepts a message and says who, what and when", () => {
    assert.deepStrictEqual(decide(emptyRoom, post("hi", "m1")), {
      _tag: "Accepted",
      event: {
        type: "MessagePosted",
        v: 1,
        author: { kind: "account", name: "alice" },
        payload: { message: "hi" },
        at: 1_000,
        id: ClientId.make("m1")
      }
    })
  })

  it("makes no id where the client sent none", () => {
    const decision = decide(emptyRoom, post("hi"))
    assert.isFalse(decision._tag === "Accepted" && "id" in decision.event)
  })

  it("answers a repeated message with the position it has", () => {
    assert.deepStrictEqual(decide(given(post("a"), post("b", "m1"), post("c")), post("b", "m1")), {
      _tag: "Repeated",
      seq: Seq.make(2)
    })
  })

  it("refuses an id that stands for another message", () => {
    const decision = decide(given(post("a", "m1")), post("b", "m1"))
    assert.strictEqual(decision._tag === "Rejected" ? decision.rejection.code : decision._tag, "id_conflict")
  })

  it("does not confuse authors: another name, or a guest of the same name, may use the same id", () => {
    const state = given(post("a", "m1"))
    assert.strictEqual(decide(state, post("a", "m1", "bob"))._tag, "Accepted")
    assert.strictEqual(decide(state, post("a", "m1", "alice", "guest"))._tag, "Accepted")
  })

  it("compares payloads by content, not by the order of their keys", () => {
    const earlier = storedAt7({ a: 1, b: [2] })
    assert.deepStrictEqual(decideRepeated({ b: [2], a: 1 }, earlier), { _tag: "Repeated", seq: Seq.make(7) })
  })

  it("compares payloads whatever their keys are called, and calls nothing of theirs", () => {
    const names = ["~effect/Equal", "~effect/Hash", "constructor", "valueOf", "toString", "toJSON", "length", "then"]
    for (const name of names) {
      const earlier = storedAt7({ a: [{ [name]: 1 }], [name]: null })
      assert.strictEqual(decideRepeated({ [name]: null, a: [{ [name]: 1 }] }, earlier)._tag, "Repeated", name)
      assert.strictEqual(decideRepeated({ a: [{ [name]: 2 }], [name]: null }, earlier)._tag, "Rejected", name)
      assert.strictEqual(decideRepeated({ a: [{}], [name]: null }, earlier)._tag, "Rejected", name)
    }
  })

  it.each<readonly [name: string, one: Schema.Json, other: Schema.Json]>([
    ["an array and an object of its indices", [1], { 0: 1 }],
    ["a longer array", [1], [1, null]],
    ["a further key", { a: 1 }, { a: 1, b: null }],
    ["another key of as many", { a: null }, { b: null }],
    ["a key that every object inherits", { toString: null }, {}],
    ["a prototype's name and another key", JSON.parse('{"__proto__":{}}'), { a: 1 }],
    ["null and an object", null, {}],
    ["a number and its text", 1, "1"]
  ])("tells %s apart", (_, one, other) => {
    for (const [payload, earlier] of [
      [one, other],
      [other, one]
    ] as const) {
      assert.strictEqual(decideRepeated(payload, storedAt7(earlier))._tag, "Rejected")
    }
  })

  it.effect.prop("finds every JSON value the same after it was stored and read", [Schema.Json], ([payload]) =>
    Effect.sync(() => {
      const stored: Schema.Json = JSON.parse(JSON.stringify(payload))
      assert.strictEqual(decideRepeated(payload, storedAt7(stored))._tag, "Repeated")
    })
  )

  it.effect.prop(
    "remembers a bounded number of ids, the newest among them, whatever is sent",
    [Schema.Array(Schema.Int).check(Schema.isMaxLength(300))],
    ([numbers]) =>
      Effect.sync(() => {
        let state = emptyRoom
        for (const number of numbers) {
          const command = post("x", `id-${number}`)
          const decision = decide(state, command)
          if (decision._tag !== "Accepted") continue
          state = evolve(state, { seq: Seq.make(state.head + 1), event: decision.event })
          assert.strictEqual(decide(state, command)._tag, "Repeated")
        }
        assert.isTrue(state.head <= numbers.length)
      })
  )

  it("forgets the oldest ids and leaves them to the journal", () => {
    const state = given(...Array.from({ length: 200 }, (_, i) => post("x", `id-${i}`)))
    assert.strictEqual(decide(state, post("x", "id-0"))._tag, "Accepted")
    assert.strictEqual(decide(state, post("x", "id-199"))._tag, "Repeated")
  })
})
