import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { RoomName, Seq } from "../../src/domain/Room.ts"
import type { Entry } from "../../src/domain/RoomEvent.ts"
import { CommittedBatch, RoomTail } from "../../src/domain/RoomTail.ts"

const room = RoomName.make("lobby")

const entry = (seq: number): Entry => ({
  seq: Seq.make(seq),
  event: {
    type: "MessagePosted",
    v: 1,
    author: { kind: "guest", name: "bob" },
    payload: { message: `${seq}` },
    at: seq
  }
})

const batch = (first: number, count: number): CommittedBatch =>
  new CommittedBatch(room, [entry(first), ...Array.from({ length: count - 1 }, (_, i) => entry(first + 1 + i))], count)

const seqs = (entries: ReadonlyArray<Entry> | undefined) => entries?.map(({ seq }) => Number(seq))

const filled = (
  sizes: ReadonlyArray<number>,
  maxEntries: number
): { readonly tail: RoomTail; readonly head: number } => {
  const tail = new RoomTail({ maxEntries, maxBytes: Number.MAX_SAFE_INTEGER })
  let head = 0
  for (const size of sizes) {
    tail.push(batch(head + 1, size))
    head += size
  }
  return { tail, head }
}

const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(120)
)

describe("RoomTail", () => {
  it.effect.prop(
    "gives the same sequence from any cursor, whatever the batching",
    [Sizes, Schema.Int],
    ([sizes, some]) =>
      Effect.sync(() => {
        const { head, tail } = filled(sizes, 50)
        const cursor = Math.abs(some) % (head + 1)
        const read = seqs(tail.entriesAfter(cursor, 1_000))
        if (cursor < tail.start) assert.isUndefined(read)
        else
          assert.deepStrictEqual(
            read,
            Array.from({ length: head - cursor }, (_, i) => cursor + 1 + i)
          )
      })
  )

  it.effect.prop("holds at most its entries, and always the newest batch", [Sizes], ([sizes]) =>
    Effect.sync(() => {
      const { head, tail } = filled(sizes, 10)
      assert.isTrue(head - tail.start <= Math.max(10, sizes.at(-1) ?? 0))
      assert.strictEqual(tail.batchAfter(head - 1)?.last, Seq.make(head))
      assert.isUndefined(tail.batchAfter(head))
    })
  )

  it("is bounded in bytes, encodings counted", () => {
    const tail = new RoomTail({ maxEntries: 1_000, maxBytes: 4_000 })
    const wire = { encode: () => ({ bytes: new Uint8Array(1_000), ends: new Uint32Array(1) }) }
    for (let i = 1; i <= 20; i++) {
      const one = batch(i, 1)
      tail.push(one)
      one.encodedBy(wire)
    }
    assert.isTrue(tail.bytes <= 4_000 + 1_300, `holds ${tail.bytes}`)
    while (!tail.isEmpty) tail.dropOldest()
    assert.strictEqual(tail.bytes, 0)
  })

  it("encodes a batch once a wire", () => {
    let calls = 0
    const wire = () => ({
      encode: () => {
        calls += 1
        return { bytes: new Uint8Array(calls), ends: [calls] }
      }
    })
    const wires = [wire(), wire(), wire()]
    const one = batch(1, 3)
    const encoded = wires.map((each) => one.encodedBy(each))
    assert.deepStrictEqual(
      encoded.map(({ bytes }) => bytes.length),
      [1, 2, 3]
    )
    for (const [index, each] of wires.entries()) assert.strictEqual(one.encodedBy(each), encoded[index])
    assert.strictEqual(calls, 3)
  })

  it("knows nothing before its first batch: whoever is behind asks the journal", () => {
    const tail = new RoomTail({ maxEntries: 10, maxBytes: 10 })
    assert.isUndefined(tail.entriesAfter(0, 10))
    assert.isUndefined(tail.batchAfter(0))
  })
})
