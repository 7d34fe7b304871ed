import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { newestPage, pageText } from "../../../src/adapters/http/HistoryPage.ts"
import { ChatRoom, defaultRoomLimits } from "../../../src/domain/ChatRoom.ts"
import { RoomName, Seq } from "../../../src/domain/Room.ts"
import { emptyRoom } from "../../../src/domain/RoomDecider.ts"
import type { Entry } from "../../../src/domain/RoomEvent.ts"
import { CommittedBatch } from "../../../src/domain/RoomTail.ts"

const name = RoomName.make("lobby")

const entry = (seq: number, message: string): Entry => ({
  seq: Seq.make(seq),
  event: {
    type: "MessagePosted",
    v: 1,
    author: { kind: seq % 3 === 0 ? "guest" : "account", name: "testuser" },
    payload: { message },
    at: 1_000 * seq
  }
})

/** A room that is awake, with a batch for each list of texts. */
const roomOf = (batches: ReadonlyArray<ReadonlyArray<string>>, tailEntries: number = defaultRoomLimits.tailEntries) => {
  const room = new ChatRoom(name, { ...defaultRoomLimits, tailEntries })
  const entries: Array<Entry> = []
  for (const texts of batches) {
    const [first, ...rest] = texts.map((text, index) => entry(entries.length + index + 1, text))
    if (first === undefined) continue
    entries.push(first, ...rest)
    room.tail.push(new CommittedBatch(name, [first, ...rest], 0))
  }
  room.published = Seq.make(entries.length)
  room.state = { ...emptyRoom, head: room.published }
  return { room, entries }
}

const text = (body: Uint8Array | undefined) => (body === undefined ? undefined : Buffer.from(body).toString())

describe("the newest page out of a room's tail", () => {
  it.effect.prop(
    "is the text that is made of its entries, however they were batched and whatever the limit",
    [
      Schema.Array(Schema.Array(Schema.String).check(Schema.isMaxLength(6))).check(Schema.isMaxLength(8)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))
    ],
    ([batches, limit]) =>
      Effect.sync(() => {
        const { entries, room } = roomOf(batches)
        const page = newestPage(room, limit)
        assert.strictEqual(text(page?.body), pageText(name, entries.slice(-limit)))
        const span = { first: Math.max(entries.length - limit, 0) + 1, last: entries.length, head: entries.length }
        assert.deepStrictEqual(page?.span, entries.length === 0 ? undefined : span)
      })
  )

  it("is not there where the tail does not reach back so far, nor before the room was read", () => {
    const { room } = roomOf([["a"], ["b"], ["c"]], 2)
    assert.strictEqual(newestPage(room, 3), undefined)
    assert.strictEqual(newestPage(room, 2)?.span?.first, 2)
    room.state = undefined
    assert.strictEqual(newestPage(room, 2), undefined)
  })
})
