// Hot path: `feed` is called for every chunk that any socket of the room receives.
import { BenchFault } from "../BenchFault.ts"
import type { Delivery, Wire } from "../Target.ts"
import { readMessageText, senderName } from "./BenchMessage.ts"
import type { ServerFrame } from "./ServerFrame.ts"
import { LineStream } from "./LineStream.ts"
import { opcodes, readServerFrame } from "./ServerFrame.ts"

/**
 * What a room's sockets receive, checked at the price of a `memcmp`.
 *
 * Every socket of a room gets the same frames, so there is one stream. Whichever socket is the first to bring a frame has it parsed and
 * checked whole (positions 1, 2, 3 … where the server gives them; each sender's own count 1, 2, 3 … always) and appended; every other
 * socket's bytes are compared with it, byte by byte, at that socket's own offset. So a gap, a duplicate, a swap or a changed byte on any
 * socket is found, and nobody has to wait for a particular socket. Frames between the server and one socket (pings, Engine.IO packets)
 * are in no stream: they are found where the comparison fails at the start of a frame, and taken out.
 *
 * Where a wire's frames hold lines, "frame" here means a line: the stream is of those, and how each socket's was cut into frames does not matter.
 *
 * Bounded: the stream keeps its last `streamBytes` bytes and `streamFrames` frames. A socket further behind is a fault.
 */
export class RoomTranscript {
  readonly #wire: Wire
  readonly #room: string
  readonly #holdsLines: boolean
  readonly #sentAt: (sender: number, count: number) => number
  readonly #bytes: Buffer
  readonly #ends: Float64Array
  readonly #senders: Uint16Array
  readonly #times: Float64Array
  readonly #after: number
  readonly #counts: Array<number>
  #head = 0
  #frames = 0

  constructor(options: {
    readonly wire: Wire
    readonly room: string
    /** When a message was sent, in milliseconds of `performance.now()`; undefined if it never was. */
    readonly sentAt: (sender: number, count: number) => number | undefined
    /** What the room had before these sockets' stream begins: its last position, and each sender's last count. Default: nothing. */
    readonly after?: { readonly position: number; readonly counts: ReadonlyArray<number> }
    /** Default 64 MiB: ten seconds of a room of 100 sockets, a minute of one of 1,000. */
    readonly streamBytes?: number
    /** Default 2²⁰. */
    readonly streamFrames?: number
  }) {
    this.#wire = options.wire
    this.#room = options.room
    this.#holdsLines = options.wire.holds === "lines"
    this.#sentAt = (sender, count) => {
      const time = options.sentAt(sender, count)
      if (time === undefined) throw new BenchFault(`Message ${count} of ${senderName(sender)} was never sent.`)
      return time
    }
    this.#after = options.after?.position ?? 0
    this.#counts = Array.from(options.after?.counts ?? [])
    this.#bytes = Buffer.allocUnsafeSlow(options.streamBytes ?? 64 * 1024 * 1024)
    const frames = options.streamFrames ?? 1 << 20
    this.#ends = new Float64Array(frames)
    this.#senders = new Uint16Array(frames)
    this.#times = new Float64Array(frames)
  }

  /** Messages of the room so far. */
  get frames(): number {
    return this.#frames
  }

  /** Who sent a message of the room (0 is the room's first), and when. Only of the last `streamFrames`. */
  senderOf(frame: number): number {
    return this.#senders[frame % this.#ends.length] ?? 0
  }
  sentAtOf(frame: number): number {
    return this.#times[frame % this.#ends.length] ?? 0
  }

  /** Whether a socket has received all that any socket of the room has. */
  isLevel(reader: Reader): boolean {
    return reader.offset === this.#head
  }

  /** How many of the room's messages a socket has received whole. */
  received(reader: Reader): number {
    reader.frames = this.#framesWithin(reader.offset, reader.frames)
    return reader.frames
  }

  /** Takes a chunk of a socket's stream, the first `length` bytes of `chunk`. Throws a `BenchFault` on the first thing that is wrong with it; keeps no reference to `chunk`. */
  feed(reader: Reader, chunk: Buffer, length = chunk.length): void {
    if (!this.#holdsLines) this.#take(reader, chunk, length)
    else reader.lines.read(chunk, length, (bytes, size) => this.#take(reader, bytes, size), reader.onAside)
  }

  /** As a rule a socket brings what another one has brought. */
  #take(reader: Reader, chunk: Buffer, length: number): void {
    const { carry, offset } = reader
    if (carry === undefined && offset + length <= this.#head && this.#compare(offset, chunk, 0, length) === length) {
      reader.offset += length
    } else this.#takeApart(reader, chunk.subarray(0, length))
  }

  #takeApart(reader: Reader, chunk: Buffer): void {
    let bytes = reader.carry === undefined ? chunk : Buffer.concat([reader.carry, chunk])
    reader.carry = undefined
    let at = 0
    while (at < bytes.length) {
      let parted = false
      if (reader.offset < this.#head) {
        const same = this.#compare(reader.offset, bytes, at, bytes.length)
        reader.offset += same
        at += same
        if (at === bytes.length || reader.offset === this.#head) continue
        // The streams part here: a frame that is not the room's began at the last boundary of the room's frames.
        parted = true
        const start = this.#startOf(this.received(reader))
        const begun = reader.offset - start
        reader.offset = start
        at -= begun
        if (at < 0) {
          // It began in an earlier chunk, like the room's so far.
          bytes = Buffer.concat([this.#copy(start, -at), bytes])
          at = 0
        }
      }
      const frame = this.#holdsLines ? readLine(bytes, at) : readServerFrame(bytes, at)
      if (frame === undefined) {
        reader.carry = Buffer.from(bytes.subarray(at))
        return
      }
      const payload = bytes.subarray(frame.payloadStart, this.#holdsLines ? frame.end - 1 : frame.end)
      const delivery = frame.opcode === opcodes.text ? this.#decode(payload.toString()) : undefined
      if (delivery === undefined) reader.onAside(frame.opcode, payload)
      else if (parted) throw this.#difference(reader, payload.toString())
      else this.#append(reader, bytes.subarray(at, frame.end), delivery)
      at = frame.end
    }
  }

  #append(reader: Reader, frame: Buffer, delivery: Delivery): void {
    const { sender, count } = this.#check(delivery)
    const slot = this.#frames % this.#ends.length
    this.#times[slot] = this.#sentAt(sender, count)
    this.#senders[slot] = sender
    this.#counts[sender] = count
    this.#write(frame)
    this.#ends[slot] = this.#head
    this.#frames++
    reader.offset = this.#head
  }

  #decode(text: string): Delivery | undefined {
    try {
      return this.#wire.decode(text, this.#room)
    } catch (cause) {
      throw new BenchFault(`Not a message of the room: ${text.slice(0, 500)}`, { cause })
    }
  }

  #check(delivery: Delivery): { readonly sender: number; readonly count: number } {
    const { sender, count } = readMessageText(delivery.message)
    const expected = (this.#counts[sender] ?? 0) + 1
    if (delivery.from !== senderName(sender)) {
      throw new BenchFault(`A message of ${senderName(sender)} came under the name ${delivery.from}.`)
    }
    if (delivery.seq !== undefined) {
      expectNext("The room's positions", this.#after + this.#frames + 1, delivery.seq)
    }
    expectNext(`The messages of ${senderName(sender)}`, expected, count)
    return { sender, count }
  }

  #difference(reader: Reader, text: string): BenchFault {
    const end = this.#ends[reader.frames % this.#ends.length] ?? 0
    const room = this.#copy(reader.offset, end - reader.offset)
    const expected = room.toString("utf8", this.#holdsLines ? 0 : readServerFrame(room, 0)?.payloadStart)
    return new BenchFault(
      `${reader.name} differs from its room at message ${reader.frames + 1}: a gap, a duplicate, a swap or other bytes.\n` +
        `  the room: ${expected.slice(0, 500)}\n  ${reader.name}: ${text.slice(0, 500)}`
    )
  }

  /** How many bytes from `at` to `end` are the stream's from `offset` on: at most to the end of that. */
  #compare(offset: number, bytes: Buffer, at: number, end: number): number {
    this.#mustBeKept(offset)
    const wanted = Math.min(this.#head - offset, end - at)
    let done = 0
    while (done < wanted) {
      const start = (offset + done) % this.#bytes.length
      const from = at + done
      const run = Math.min(wanted - done, this.#bytes.length - start)
      if (this.#bytes.compare(bytes, from, from + run, start, start + run) !== 0) {
        let index = 0
        while (this.#bytes[start + index] === bytes[from + index]) index++
        return done + index
      }
      done += run
    }
    return done
  }

  #write(frame: Buffer): void {
    if (frame.length > this.#bytes.length) throw new BenchFault(`A frame of ${frame.length} bytes.`)
    const start = this.#head % this.#bytes.length
    const run = Math.min(frame.length, this.#bytes.length - start)
    frame.copy(this.#bytes, start, 0, run)
    frame.copy(this.#bytes, 0, run)
    this.#head += frame.length
  }

  #copy(offset: number, length: number): Buffer {
    if (length > 0) this.#mustBeKept(offset)
    const copy = Buffer.allocUnsafe(length)
    for (let index = 0; index < length; index++) copy[index] = this.#bytes[(offset + index) % this.#bytes.length] ?? 0
    return copy
  }

  #mustBeKept(offset: number): void {
    if (this.#head - offset > this.#bytes.length) throw tooFarBehind(this.#head - offset)
  }

  #startOf(frame: number): number {
    return frame === 0 ? 0 : (this.#ends[(frame - 1) % this.#ends.length] ?? 0)
  }

  /** How many frames end at or before `offset`, given that at least `known` do. */
  #framesWithin(offset: number, known: number): number {
    if (offset === this.#head) return this.#frames
    const oldest = Math.max(0, this.#frames - this.#ends.length)
    if (known < oldest && this.#startOf(oldest + 1) > offset) throw tooFarBehind(this.#head - offset)
    let low = Math.max(known, oldest)
    let high = this.#frames
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#startOf(middle + 1) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** One socket's place in its room's stream. Made at the room's beginning. */
export class Reader {
  readonly name: string
  /** Called for what is not the room's; `payload` is valid during the call only. */
  readonly onAside: (opcode: number, payload: Buffer) => void
  /** Bytes of the room's stream received. */
  offset = 0
  /** A lower bound of the messages within `offset`. */
  frames = 0
  /** The beginning of a frame that may not be the room's. At most one frame. */
  carry: Buffer | undefined
  /** How far it is within the frames of a wire that holds lines. */
  readonly lines = new LineStream()

  constructor(name: string, onAside: (opcode: number, payload: Buffer) => void) {
    this.name = name
    this.onAside = onAside
  }
}

const readLine = (bytes: Buffer, at: number): ServerFrame | undefined => {
  const end = bytes.indexOf("\n", at)
  return end < 0 ? undefined : { opcode: opcodes.text, payloadStart: at, end: end + 1 }
}

const expectNext = (what: string, expected: number, got: number): void => {
  if (got > expected) throw new BenchFault(`${what} have a gap: ${expected} should come, ${got} came.`)
  if (got < expected) throw new BenchFault(`${what} repeat or go back: ${expected} should come, ${got} came.`)
}

const tooFarBehind = (bytes: number): BenchFault =>
  new BenchFault(`A socket is ${bytes} bytes behind the others of its room, further than the generator remembers.`)
