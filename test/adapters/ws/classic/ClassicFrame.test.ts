import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { decodeFrame } from "../../../../src/adapters/ws/classic/ClassicFrame.ts"

const reasonOf = (text: string): string => {
  const frame = decodeFrame(text)
  return frame._tag === "Bad" ? frame.rejection.message : assert.fail(`${frame._tag} from ${text.slice(0, 80)}`)
}

describe("a classic frame", () => {
  it("is what the seed's clients send", () => {
    const frame = decodeFrame('{"from":"username","message":"Hello, World!","date":"2025-01-24T09:10:00Z"}')
    assert.deepStrictEqual(frame, {
      _tag: "Message",
      frame: { from: "username", message: "Hello, World!", date: "2025-01-24T09:10:00Z" }
    })
  })

  it("may bring an id, or a token", () => {
    assert.strictEqual(decodeFrame('{"message":"hi","id":"m-1"}')._tag, "Message")
    assert.deepStrictEqual(decodeFrame('{"type":"auth","token":"t"}'), { _tag: "Auth", token: "t" })
  })

  const bad: ReadonlyArray<readonly [name: string, text: string, says: RegExp]> = [
    ["text that is not JSON", "hello", /not JSON/],
    ["an array", "[]", /Expected object/],
    ["null", "null", /Expected object/],
    ["a missing message", '{"from":"a"}', /message: Missing key/],
    ["wrong types, each of them named", '{"from":1,"message":2}', /from: Expected string; message: Expected string/],
    ["an unknown field", '{"from":"a","message":"b","color":"red"}', /color: Expected no excess property/],
    ["a position of the client's", '{"from":"a","message":"b","seq":1}', /seq: Expected no excess property/],
    ["an empty message", '{"from":"a","message":""}', /not empty/],
    ["a blank message", '{"from":"a","message":" \\n "}', /not empty/],
    ["a lone surrogate", String.raw`{"from":"a","message":"\ud800"}`, /lone surrogate/],
    ["__proto__", '{"__proto__":{"admin":true},"message":"b"}', /__proto__/],
    ["a name that every object inherits", '{"toString":1,"message":"b"}', /toString: Expected no excess property/],
    ["depth 10,000", `{"message":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, /Expected string/],
    ["a number past every bound", '{"message":1e400}', /Expected string/],
    ["an empty id", '{"message":"a","id":""}', /id: Expected 1–128 printable characters/],
    ["an id with a line break", String.raw`{"message":"a","id":"a\nb"}`, /id: Expected/],
    ["a token that is none", '{"type":"auth","token":5}', /token: Expected string/]
  ]
  for (const [name, text, says] of bad) {
    it(`is refused for ${name}, and told so`, () => assert.match(reasonOf(text), says))
  }

  it("names the refused message's id where it had a good one", () => {
    const frame = decodeFrame('{"message":"","id":"m-1"}')
    assert.strictEqual(frame._tag === "Bad" ? frame.id : undefined, "m-1")
  })

  it.effect.prop(
    "is decoded totally: any text is a frame or a reason of one line",
    [Schema.String, Schema.Json],
    ([text, json]) =>
      Effect.sync(() => {
        for (const sent of [
          text,
          JSON.stringify(json),
          JSON.stringify({ message: json }),
          JSON.stringify({ message: text })
        ]) {
          const frame = decodeFrame(sent)
          if (frame._tag === "Bad") assert.notInclude(frame.rejection.message, "\n")
        }
      })
  )
})
