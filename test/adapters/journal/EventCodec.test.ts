import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeEvent, encodeEvent, idempotencyKey, parseStored } from "../../../src/adapters/journal/EventCodec.ts"
import { RoomEvent } from "../../../src/domain/RoomEvent.ts"
import { message } from "../../support/Events.ts"

const read = (text: string) => Result.flatMap(parseStored(text), decodeEvent)

// JSON knows no -0.
const positive = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const parts = ({ id, author }: RoomEvent) => JSON.stringify([id, author.kind, author.name])

describe("EventCodec", () => {
  it.prop("an event that was written is read again, and its text is its identity", [RoomEvent], ([event]) => {
    const text = encodeEvent(event)
    expect(JSON.stringify(JSON.parse(text))).toBe(text)
    const decoded = Result.getOrThrow(read(text))
    expect(decoded).toEqual(positive(event))
    expect(encodeEvent(decoded)).toBe(text)
  })

  it.prop("two keys are equal only where id, kind and name are", [RoomEvent, RoomEvent], ([one, other]) => {
    const equal = one.id === undefined ? other.id === undefined : parts(one) === parts(other)
    expect(idempotencyKey(one) === idempotencyKey(other)).toBe(equal)
  })

  it("a stored event is compact JSON with its type and version first", () => {
    expect(encodeEvent(message("hi", { id: "x", at: 5 }))).toBe(
      '{"type":"MessagePosted","v":1,"kind":"account","from":"ada","payload":{"message":"hi"},"at":5,"id":"x"}'
    )
  })

  it.each([
    ['{"type":"MessagePosted","v":2}', 'an event of type "MessagePosted", version 2, which this release does not know'],
    ['{"type":"Other","v":1}', 'an event of type "Other", version 1, which this release does not know'],
    ['{"type":"MessagePosted","v":1,"kind":"robot"}', "a MessagePosted event whose fields are not those of version 1"],
    ["[1]", "an event without a type and a version"],
    ["{", "a text that is not JSON"]
  ])("%s is not read: %s", (text, problem) => {
    expect(read(text)).toEqual(Result.fail({ problem }))
  })
})
