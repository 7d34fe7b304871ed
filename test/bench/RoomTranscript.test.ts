import { describe, expect, it } from "vitest"
import { BenchFault } from "../../bench/BenchFault.ts"
import { messageText, senderName } from "../../bench/load/BenchMessage.ts"
import { Reader, RoomTranscript } from "../../bench/load/RoomTranscript.ts"
import { opcodes } from "../../bench/load/ServerFrame.ts"
import { centrifugeWire } from "../../bench/targets/Centrifuge.ts"
import { classicWire } from "../../bench/targets/Parley.ts"
import { socketIoWire } from "../../bench/targets/SocketIo.ts"

const frame = (text: string, opcode: number = opcodes.text): Buffer => {
  const payload = Buffer.from(text)
  const header =
    payload.length < 126
      ? [0x80 | opcode, payload.length]
      : [0x80 | opcode, 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from(header), payload])
}

/** The room's message at `seq`: senders 0, 1 and 2 take turns, so it is the sender's own message ⌈seq / 3⌉. */
const message = (seq: number): Buffer => {
  const sender = (seq - 1) % 3
  const text = messageText(sender, Math.ceil(seq / 3), 150)
  const date = "2026-11-02T09:10:00.000Z"
  return frame(
    JSON.stringify({ from: senderName(sender), message: text, date, id: `m${seq}`, seq, room: "bench", guest: true })
  )
}
const event = (sender: number, count: number): Buffer =>
  frame(`42${JSON.stringify(["message", { from: senderName(sender), message: messageText(sender, count, 150) }])}`)
const messages = (...seqs: ReadonlyArray<number>): Buffer => Buffer.concat(seqs.map(message))

const asides: Array<string> = []
const reader = (name = "socket 1"): Reader =>
  new Reader(name, (opcode, payload) => asides.push(`${name} ${opcode} ${payload.toString()}`))
const transcript = (options: Partial<ConstructorParameters<typeof RoomTranscript>[0]> = {}): RoomTranscript =>
  new RoomTranscript({
    wire: classicWire,
    room: "bench",
    sentAt: (_, count) => count,
    streamBytes: 1 << 14,
    streamFrames: 100,
    ...options
  })

/** Each piece in a buffer that holds more, as the one that all sockets read into. */
const feedInPieces = (room: RoomTranscript, to: Reader, bytes: Buffer, size: number): void => {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    room.feed(to, Buffer.concat([piece, Buffer.from("of another read")]), piece.length)
  }
}

/** Feeds a room without positions: what each sender's n-th message is, in this order. */
const stream = (...events: ReadonlyArray<readonly [sender: number, count: number]>) => {
  const bytes = Buffer.concat(events.map(([sender, count]) => event(sender, count)))
  return () => transcript({ wire: socketIoWire }).feed(reader(), bytes)
}

describe("a room's transcript", () => {
  it("begins where its sockets resume", () => {
    const resumed = () => transcript({ after: { position: 3, counts: [1, 1, 1] } })
    const room = resumed()
    const one = reader()
    room.feed(one, messages(4, 5))
    expect([room.frames, room.received(one)]).toEqual([2, 2])
    expect(() => resumed().feed(reader(), messages(5))).toThrow("4 should come, 5 came")
    expect(() => resumed().feed(reader(), messages(1))).toThrow("4 should come, 1 came")
  })

  it("takes the same stream from every socket, however it is cut and whoever is first", () => {
    const stream = messages(1, 2, 3, 4, 5)
    for (let size = 1; size <= stream.length; size++) {
      const room = transcript()
      const [first, second, third] = [reader(), reader("socket 2"), reader("socket 3")]
      room.feed(third, stream.subarray(0, 400))
      feedInPieces(room, first, stream, size)
      feedInPieces(room, second, stream, stream.length - size + 1)
      room.feed(third, stream.subarray(400))
      expect([first, second, third].map((each) => room.received(each))).toEqual([5, 5, 5])
      expect([first, second, third].every((each) => room.isLevel(each))).toBe(true)
    }
  })

  it("takes pings out of a stream, at the head and behind it, however they are cut", () => {
    const plain = messages(1, 2, 3)
    // As long as a short message: its header looks like nothing else, its payload like a message.
    const ping = frame("x".repeat(100), opcodes.ping)
    const pinged = Buffer.concat([ping, message(1), ping, ping, message(2), message(3), ping])
    for (let size = 1; size <= pinged.length; size++) {
      for (const order of [
        [plain, pinged],
        [pinged, plain]
      ]) {
        asides.length = 0
        const room = transcript()
        const readers = order.map((stream, index) => {
          const each = reader(`socket ${index}`)
          feedInPieces(room, each, stream, size)
          return each
        })
        expect(readers.map((each) => room.received(each))).toEqual([3, 3])
        expect(readers.every((each) => room.isLevel(each))).toBe(true)
        expect(asides.length).toBe(4)
      }
    }
  })

  it("takes Engine.IO's pings, which are text, out of a stream", () => {
    const room = transcript({ wire: socketIoWire })
    const [first, second] = [reader(), reader("socket 2")]
    asides.length = 0
    room.feed(first, Buffer.concat([event(0, 1), event(1, 1), event(0, 2)]))
    feedInPieces(room, second, Buffer.concat([event(0, 1), frame("2"), event(1, 1), event(0, 2), frame("2")]), 1)
    expect(room.received(second)).toBe(3)
    expect(asides).toEqual(["socket 2 1 2", "socket 2 1 2"])
  })

  it("knows who sent each message and when", () => {
    const room = transcript({ sentAt: (sender, count) => sender * 100 + count })
    room.feed(reader(), messages(1, 2, 3, 4, 5))
    expect([0, 1, 2, 3, 4].map((index) => room.senderOf(index))).toEqual([0, 1, 2, 0, 1])
    expect([0, 1, 2, 3, 4].map((index) => room.sentAtOf(index))).toEqual([1, 101, 201, 2, 102])
  })

  it("counts whole messages only", () => {
    const room = transcript()
    const [first, second] = [reader(), reader("socket 2")]
    room.feed(first, messages(1, 2, 3))
    room.feed(second, messages(1, 2).subarray(0, -1))
    expect(room.received(second)).toBe(1)
    expect(room.isLevel(second)).toBe(false)
  })

  it("goes on for longer than it remembers", () => {
    const room = transcript({ streamBytes: 1000, streamFrames: 3 })
    const [first, second] = [reader(), reader("socket 2")]
    for (let seq = 1; seq <= 100; seq++) {
      room.feed(first, message(seq))
      feedInPieces(room, second, message(seq), 7)
    }
    expect(room.received(second)).toBe(100)
  })

  for (const leads of [true, false]) {
    describe(`fed with a stream that is wrong, by the socket that ${leads ? "leads" : "follows"},`, () => {
      const feedWrong = (bytes: Buffer, size = bytes.length) => {
        const room = transcript()
        if (!leads) room.feed(reader(), messages(1, 2, 3, 4, 5))
        return () => feedInPieces(room, reader("socket 2"), bytes, size)
      }
      const swappedBytes = Buffer.from(messages(1, 2, 3).toString("latin1").replace('"seq":2', '"seq":7'), "latin1")

      it("finds a gap", () => {
        expect(feedWrong(messages(1, 2, 4, 5))).toThrow(leads ? "a gap: 3 should come, 4 came" : "at message 3")
        expect(feedWrong(messages(2, 3))).toThrow(leads ? "a gap: 1 should come" : "at message 1")
      })
      it("finds a duplicate", () => {
        expect(feedWrong(messages(1, 2, 2, 3))).toThrow(leads ? "go back: 3 should come, 2 came" : "at message 3")
      })
      it("finds a swapped pair", () => {
        expect(feedWrong(messages(1, 3, 2, 4))).toThrow(leads ? "a gap: 2 should come, 3 came" : "at message 2")
      })
      it("finds a byte that differs", () => {
        expect(feedWrong(swappedBytes)).toThrow(
          leads ? "2 should come, 7 came" : "socket 2 differs from its room at message 2"
        )
      })
      it("finds each of them in a stream that comes byte by byte", () => {
        for (const wrong of [messages(1, 2, 4), messages(1, 1), messages(2, 1), swappedBytes]) {
          expect(feedWrong(wrong, 1)).toThrow(/gap|go back/)
        }
      })
      it("shows what came in the place of a message", () => {
        const refusal = JSON.stringify({ from: "system", message: "Slow down.", error: { code: "rate_limited" } })
        expect(feedWrong(Buffer.concat([message(1), frame(refusal)]))).toThrow(/Not a message of the room: .*Slow down/)
      })
    })
  }

  it("counts each sender's messages where the server gives no positions", () => {
    expect(stream([0, 1], [1, 1], [1, 2], [0, 2])).not.toThrow()
    expect(stream([0, 1], [1, 1], [0, 3])).toThrow("The messages of sender-0 have a gap: 2 should come, 3 came.")
    expect(stream([0, 1], [1, 1], [1, 1])).toThrow("The messages of sender-1 repeat or go back: 2 should come, 1 came.")
  })

  it("finds a message that nobody sent", () => {
    const room = transcript({ sentAt: (_, count) => (count > 1 ? undefined : 0) })
    expect(() => room.feed(reader(), messages(1, 2, 3, 4))).toThrow("Message 2 of sender-0 was never sent.")
  })

  it("says so when a socket is further behind than it remembers", () => {
    const room = transcript({ streamBytes: 1000 })
    const late = reader("socket 2")
    const first = reader()
    for (let seq = 1; seq <= 5; seq++) room.feed(first, message(seq))
    expect(() => room.feed(late, message(1))).toThrow("further than the generator remembers")
  })
})

describe("a transcript of lines", () => {
  const publication = (seq: number, bytes = ""): string => {
    const sender = (seq - 1) % 3
    const data = { from: senderName(sender), message: messageText(sender, Math.ceil(seq / 3), 150) }
    return JSON.stringify({ push: { channel: "bench", pub: { data, offset: seq, ...(bytes !== "" && { bytes }) } } })
  }
  const lines = (...values: ReadonlyArray<string>): Buffer => frame(values.join("\n"))
  const room = () => transcript({ wire: centrifugeWire })
  const one = Buffer.concat([lines(publication(1), publication(2)), lines(publication(3))])

  it("is the same whatever frames the lines came in, and whatever was said between them to one socket alone", () => {
    const reply = JSON.stringify({ id: 3, publish: {} })
    const other = Buffer.concat([
      lines(publication(1)),
      frame("", opcodes.ping),
      lines(reply, publication(2), "{}", publication(3))
    ])
    for (let size = 1; size <= other.length; size++) {
      const both = room()
      const [first, second] = [reader(), reader("socket 2")]
      asides.length = 0
      feedInPieces(both, first, one, size)
      feedInPieces(both, second, other, size)
      expect([first, second].map((each) => both.received(each))).toEqual([3, 3])
      expect(both.isLevel(second)).toBe(true)
      expect(asides).toEqual(["socket 2 9 ", `socket 2 1 ${reply}`, "socket 2 1 {}"])
    }
  })

  it("takes a chunk of any size, with small and large frames", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => publication(index + 1))
    const [small, others] = [many.slice(0, 900).map((each) => lines(each)), many.slice(900)]
    const large = Buffer.concat([...small, lines(...others.slice(0, 50)), lines(...others.slice(50))])
    const both = transcript({ wire: centrifugeWire, streamBytes: 1 << 19, streamFrames: 2_000 })
    const [first, second] = [reader(), reader("socket 2")]
    both.feed(first, large)
    both.feed(second, large)
    expect([first, second].map((each) => both.received(each))).toEqual([1_000, 1_000])
  })

  it("finds a gap, a swap, a repetition, another byte and an error", () => {
    const wrong: ReadonlyArray<Buffer> = [
      lines(publication(1), publication(3)),
      lines(publication(2), publication(1)),
      lines(publication(1), publication(1)),
      lines(publication(1), publication(2, "other")),
      lines(publication(1), JSON.stringify({ id: 3, error: { code: 100, message: "internal" } }))
    ]
    for (const bytes of wrong) {
      const both = room()
      both.feed(reader(), one)
      expect(() => both.feed(reader("socket 2"), bytes)).toThrow(BenchFault)
    }
    expect(() => room().feed(reader(), lines(publication(1), publication(3)))).toThrow("gap")
  })
})
