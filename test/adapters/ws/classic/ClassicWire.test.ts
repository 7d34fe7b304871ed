import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { classicWire } from "../../../../src/adapters/ws/classic/ClassicWire.ts"
import { viewOf } from "../../../../src/domain/MessageView.ts"
import { RoomName, Seq } from "../../../../src/domain/Room.ts"
import { ClientId } from "../../../../src/domain/RoomEvent.ts"
import type { Entry } from "../../../../src/domain/RoomEvent.ts"
import { textsOf } from "../../../../src/adapters/memory/FrameTexts.ts"

const room = RoomName.make("lobby")

const Message = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literals(["account", "guest", "service"]),
  payload: Schema.Union([Schema.Struct({ message: Schema.String }), Schema.Json]),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800_000 })),
  id: Schema.Union([ClientId, Schema.Undefined])
})

const entryOf = ({ at, id, kind, name, payload }: typeof Message.Type, index: number): Entry => {
  const event = { type: "MessagePosted", v: 1, author: { kind, name }, payload, at } as const
  return { seq: Seq.make(index + 1), event: id === undefined ? event : { ...event, id } }
}

describe("the classic wire", () => {
  it.effect.prop(
    "writes a frame an entry, each the JSON of its view, and knows where each ends",
    [Schema.Array(Message).check(Schema.isMinLength(1), Schema.isMaxLength(20))],
    ([messages]) =>
      Effect.sync(() => {
        const entries = messages.map(entryOf)
        const { bytes, ends } = classicWire.encode(room, entries)
        const expected = entries.map((entry) => JSON.stringify(viewOf(room, entry)))
        assert.deepStrictEqual(textsOf(bytes), expected)
        for (const [index] of entries.entries()) {
          assert.deepStrictEqual(textsOf(bytes.subarray(index === 0 ? 0 : ends[index - 1])), expected.slice(index))
        }
      })
  )

  const sizes = [0, 1, 20, 24, 25, 26, 100, 125, 126, 127, 21_000, 21_800, 65_000, 65_535, 65_536, 200_000]
  for (const character of ["x", "é", "漢", "😀", '"']) {
    it(`frames texts of ${character} around every bound of the header`, () => {
      for (const size of sizes) {
        const message = character.repeat(size)
        const entry = entryOf({ name: "a", kind: "guest", payload: { message }, at: 0, id: undefined }, 0)
        const [text, ...rest] = textsOf(classicWire.encode(room, [entry]).bytes)
        assert.strictEqual(rest.length, 0)
        assert.isTrue(text === JSON.stringify(viewOf(room, entry)), `${size} times`)
      }
    })
  }

  it("has the seed's three fields first, and says of a guest that he is one", () => {
    const entry = entryOf({ name: "bob", kind: "guest", payload: { message: "hi" }, at: 1_000, id: undefined }, 6)
    assert.deepStrictEqual(textsOf(classicWire.encode(room, [entry]).bytes), [
      '{"from":"bob","message":"hi","date":"1970-01-01T00:00:01.000Z","id":"lobby-7","seq":7,"room":"lobby","guest":true}'
    ])
  })
})
