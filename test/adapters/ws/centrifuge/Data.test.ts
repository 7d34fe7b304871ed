import { describe, expect, it } from "vitest"
import { publishedOf } from "../../../../src/adapters/ws/centrifuge/Data.ts"

/** What it says of a JSON text. */
const read = (text: string) => publishedOf(JSON.parse(text))

describe("publishedOf", () => {
  it.each([
    "9007199254740993",
    "-9007199254740993",
    "9007199254740992",
    "1e21",
    '{"order":9007199254740993}',
    '{"deep":[1,{"a":[9007199254740993]}]}'
  ])("refuses a whole number that is none of JavaScript's, and says what to do: %s", (text) => {
    expect(read(text)).toBe(
      "a whole number beyond 9,007,199,254,740,991 would come out as another one: send it as text"
    )
  })

  it.each(["9007199254740991", "-9007199254740991", "0.1", "-0.5", "1e-400", '"9007199254740993"'])(
    "takes every other number, and numbers as text: %s",
    (text) => {
      expect(read(text)).toEqual({ payload: JSON.parse(text), id: undefined, from: undefined })
    }
  )

  it.each([
    ['{"message":"hi","id":5}', "in a chat message, id: expected 1–128 printable characters"],
    ['{"message":"hi","id":null}', "in a chat message, id: expected 1–128 printable characters"],
    ['{"message":"hi","id":""}', "in a chat message, id: expected 1–128 printable characters"],
    ['{"message":"hi","date":5}', "in a chat message, date: expected a text"],
    ['{"message":"hi","from":{}}', "in a chat message, from: expected a text"],
    ['{"message":" "}', "in a chat message, message: expected a text that is not empty, without lone surrogates"],
    [
      '{"message":"","id":"a"}',
      "in a chat message, message: expected a text that is not empty, without lone surrogates"
    ],
    [
      '{"message":"hi","from":1,"date":2,"id":3}',
      "in a chat message, from: expected a text; date: expected a text; id: expected 1–128 printable characters"
    ],
    ['{"_parley":7}', "_parley: expected an object {id?, from?}"],
    ['{"_parley":[]}', "_parley: expected an object {id?, from?}"],
    ['{"_parley":null}', "_parley: expected an object {id?, from?}"],
    ['{"_parley":{"id":""}}', "_parley.id: expected 1–128 printable characters"],
    ['{"_parley":{"id":"a","from":7}}', "_parley.from: expected a text"]
  ])("names the field that is wrong, and what it must be: %s", (text, fault) => {
    expect(read(text)).toBe(fault)
  })

  it("finds the id and the guest's name in _parley, and keeps the object as it came", () => {
    const data = { n: 1, _parley: { id: "a", from: "zed", more: 1 } }
    expect(publishedOf(data)).toEqual({ payload: data, id: "a", from: "zed" })
    expect(publishedOf({ _parley: {} })).toEqual({ payload: { _parley: {} }, id: undefined, from: undefined })
    // They are the chat message's own; in other objects they are data.
    expect(publishedOf({ n: 1, id: "a", from: "zed" })).toMatchObject({ id: undefined, from: undefined })
  })
})
