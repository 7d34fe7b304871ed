import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import protobuf from "protobufjs"
import { publicationOf } from "../../../../src/adapters/ws/centrifuge/Codec.ts"
import { jsonCodec } from "../../../../src/adapters/ws/centrifuge/JsonCodec.ts"
import { protobufCodec } from "../../../../src/adapters/ws/centrifuge/ProtobufCodec.ts"
import { protobufSchema } from "../../../../src/adapters/ws/centrifuge/ProtobufSchema.ts"
import { RoomName, Seq } from "../../../../src/domain/Room.ts"
import type { Entry } from "../../../../src/domain/RoomEvent.ts"
import { Author } from "../../../../src/domain/RoomEvent.ts"

const { root } = protobuf.parse(protobufSchema, { keepCase: true })
const Reply = root.lookupType("Reply")
const Command = root.lookupType("Command")

const packed = (hex: string): string => hex.replaceAll(" ", "")

const room = RoomName.make("a")
const entryOf = (seq: number, author: Author, payload: Schema.Json): Entry => ({
  seq: Seq.make(seq),
  event: { type: "MessagePosted", v: 1, author, payload, at: 1_764_000_000_000 }
})

/** What stands in binary frames that follow each other. */
const payloadsOf = (bytes: Uint8Array): ReadonlyArray<Buffer> => {
  const payloads: Array<Buffer> = []
  const all = Buffer.from(bytes)
  for (let at = 0; at < all.length;) {
    assert.strictEqual(all[at], 0x82)
    const short = all[at + 1] ?? 0
    const [head, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, all.readUInt16BE(at + 2)]
          : [10, Number(all.readBigUInt64BE(at + 2))]
    payloads.push(all.subarray(at + head, at + head + length))
    at += head + length
  }
  return payloads
}

const repliesIn = (payload: Buffer): ReadonlyArray<protobuf.Message> => {
  const reader = protobuf.Reader.create(payload)
  const replies: Array<protobuf.Message> = []
  while (reader.pos < reader.len) replies.push(Reply.decodeDelimited(reader))
  return replies
}

const jsonIn = (bytes: unknown): unknown => JSON.parse(Buffer.from(bytes as Uint8Array).toString())

describe("protobufCodec", () => {
  const Payload = Schema.Union([Schema.Struct({ message: Schema.String }), Schema.Json])
  const Entries = Schema.Array(Schema.Struct({ author: Author, payload: Payload })).check(Schema.isMaxLength(20))

  it.prop(
    "a batch is what the schema says, and the bytes that its values have one by one",
    [Arbitrary.schema(Entries)],
    ([all]) => {
      const entries = all.map(({ author: { kind, name }, payload }, index) =>
        // Names are text: no account and no guest has half a character in his.
        entryOf(index + 1, { kind, name: name.toWellFormed() }, payload)
      )
      const { bytes } = protobufCodec.format.encode(room, entries)
      const got = payloadsOf(bytes).flatMap(repliesIn)
      assert.strictEqual(got.length, entries.length)
      for (const [index, reply] of got.entries()) {
        const publication = publicationOf(entries[index] as Entry)
        const { push } = Reply.toObject(reply, { longs: Number }) as {
          push: {
            channel: string
            pub: { data: unknown; offset: number; info?: { user?: string; conn_info?: unknown } }
          }
        }
        assert.strictEqual(push.channel, "a")
        assert.strictEqual(push.pub.offset, index + 1)
        assert.deepStrictEqual(jsonIn(push.pub.data), JSON.parse(JSON.stringify(publication.data)))
        const { info } = push.pub
        assert.strictEqual(info === undefined, publication.info === undefined)
        assert.strictEqual(info?.user ?? "", publication.info?.user ?? "")
        if (publication.info?.conn_info !== undefined) {
          assert.deepStrictEqual(jsonIn(info?.conn_info), publication.info.conn_info)
        }
      }
      const generic = entries.map((entry) => ({ push: { channel: room, pub: publicationOf(entry) } }))
      assert.deepStrictEqual(Buffer.from(protobufCodec.encode(generic)), Buffer.from(bytes))
      // JSON has fields in an order, too.
      const json = Buffer.from(jsonCodec.format.encode(room, entries).bytes)
      assert.deepStrictEqual(json, Buffer.from(jsonCodec.encode(generic)))
    }
  )

  // In hexadecimal, a field a word.
  it("a publication has these bytes", () => {
    const { bytes, ends } = protobufCodec.format.encode(room, [entryOf(300, { kind: "account", name: "alice" }, 1)])
    // Frame, reply, push: channel "a", pub: data "1", info: user "alice", offset 300.
    assert.strictEqual(
      Buffer.from(bytes).toString("hex"),
      packed("8217 16 2214 120161 220f 220131 2a07 0a05616c696365 30ac02")
    )
    assert.deepStrictEqual(Array.from(ends), [bytes.length])
  })

  it("replies have these bytes", () => {
    const hex = (message: Record<string, unknown>): string =>
      Buffer.from(protobufCodec.encode([message])).toString("hex")
    assert.strictEqual(hex({}), packed("820100"))
    assert.strictEqual(hex({ id: 7, publish: {} }), packed("8205 04 0807 4200"))
    assert.strictEqual(
      hex({ id: 7, error: { code: 111, message: "no", temporary: true } }),
      packed("820d 0c 0807 1208 086f 12026e6f 1801")
    )
    assert.strictEqual(
      hex({ push: { channel: "a", unsubscribe: { code: 2501, reason: "x" } } }),
      packed("820e 0d 220b 120161 3a06 10c513 1a0178")
    )
  })

  it.each([
    ["ping", "04 0801 5a00", { id: 1, ping: {} }],
    ["connect", "07 0801 2203 0a0174", { id: 1, connect: { token: "t" } }],
    [
      "subscribe",
      "10 0802 2a0c 0a0161 1801 320165 3807 5801",
      { id: 2, subscribe: { channel: "a", recover: true, epoch: "e", offset: 7, join_leave: true } }
    ],
    ["publish", "0a 0803 3a06 0a0161 120137", { id: 3, publish: { channel: "a", data: 7 } }],
    [
      "history",
      "0f 0804 520b 0a0161 3805 42020803 4801",
      { id: 4, history: { channel: "a", limit: 5, since: { offset: 3 }, reverse: true } }
    ],
    ["rpc", "0a 0805 6a06 0a0131 12016d", { id: 5, rpc: { data: 1, method: "m" } }],
    ["sub_refresh", "0a 0806 7a06 0a0161 120174", { id: 6, sub_refresh: { channel: "a", token: "t" } }],
    ["a pong", "00", {}]
  ])("the bytes of a command are what it says: %s", (_name, spaced, expected) => {
    const hex = packed(spaced)
    const length = Number.parseInt(hex.slice(0, 2), 16)
    assert.strictEqual(hex.length, 2 * (length + 1))
    const [value, ...others] = protobufCodec.decode(Buffer.from(hex, "hex"))
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(withoutDefaults(value), expected)
    // And the other way round, by the library alone.
    const bytes = Command.encodeDelimited(Command.decodeDelimited(Buffer.from(hex, "hex"))).finish()
    assert.strictEqual(Buffer.from(bytes).toString("hex"), hex)
  })

  it("several commands of a frame are all read; one that is cut off stands as undefined behind those before it", () => {
    const ping = Buffer.from("0408015a00", "hex")
    assert.strictEqual(protobufCodec.decode(Buffer.concat([ping, ping, ping])).length, 3)
    const [first, ...rest] = protobufCodec.decode(Buffer.concat([ping, ping.subarray(0, 3)]))
    assert.deepStrictEqual(withoutDefaults(first), { id: 1, ping: {} })
    assert.deepStrictEqual(rest, [undefined])
    assert.deepStrictEqual(protobufCodec.decode(Buffer.alloc(0)), [])
  })
})

/** An empty channel is what proto3 does not send. */
const withoutDefaults = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (name, field: unknown) => (name === "channel" && field === "" ? undefined : field))
