// Hot path: text into WebSocket frames (RFC 6455 §5.2: FIN, opcode 1, no mask), many into one buffer.
import type { EncodedBatch } from "../../domain/RoomTail.ts"

/** Of a frame's header: 2 bytes, 4 from 126 bytes of payload on, 10 from 65,536 on. */
const longestHeader = 10
const textFrame = 0x81

let scratch = Buffer.allocUnsafeSlow(256 * 1024)

const ensure = (offset: number, needed: number): void => {
  if (offset + needed <= scratch.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * scratch.length, offset + needed))
  scratch.copy(larger, 0, 0, offset)
  scratch = larger
}

const binaryFrame = 0x82

/** Writes one frame at `offset` of the scratch buffer; returns where it ends. */
const writeFrame = (text: string, offset: number): number => {
  // A UTF-16 unit is at most 3 bytes of UTF-8.
  ensure(offset, longestHeader + 3 * text.length)
  // The header's size depends on the payload's: a guess from the text's length is right unless it is near a bound.
  const guess = text.length < 126 ? 2 : text.length * 3 < 65_536 ? 4 : 10
  let length = scratch.write(text, offset + guess)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  if (header !== guess) length = scratch.write(text, offset + header)
  scratch[offset] = textFrame
  return writeLength(length, offset + 1) + length
}

/** The length of a payload as a header has it, at `offset`; returns where it ends. */
const writeLength = (length: number, offset: number): number => {
  if (length < 126) {
    scratch[offset] = length
    return offset + 1
  }
  if (length < 65_536) {
    scratch[offset] = 126
    scratch.writeUInt16BE(length, offset + 1)
    return offset + 3
  }
  scratch[offset] = 127
  scratch.writeUInt32BE(0, offset + 1)
  scratch.writeUInt32BE(length, offset + 5)
  return offset + 9
}

/** Past this the scratch buffer is not kept. */
const scratchKept = 4 * 1_048_576

const copied = (end: number): Buffer => {
  const bytes = Buffer.allocUnsafe(end)
  scratch.copy(bytes, 0, 0, end)
  if (scratch.length > scratchKept) scratch = Buffer.allocUnsafeSlow(256 * 1024)
  return bytes
}

/** One text frame. */
export const frameOf = (text: string): Uint8Array => copied(writeFrame(text, 0))

/** A frame for each of `count` texts, in one buffer. */
export const framesOf = (count: number, textAt: (index: number) => string): EncodedBatch => {
  const ends: Array<number> = []
  let offset = 0
  for (let i = 0; i < count; i++) {
    offset = writeFrame(textAt(i), offset)
    ends.push(offset)
  }
  return { bytes: copied(offset), ends }
}

/**
 * `count` texts, each ended by `separator` but for the last of its frame, in frames of at most `limit` bytes (a single longer text excepted), in one buffer. `ends[i]` is where the
 * frame that holds text `i` ends.
 */
export const packedFramesOf = (
  count: number,
  textAt: (index: number) => string,
  limit: number,
  separator = "\n"
): EncodedBatch => {
  const ends = new Uint32Array(count)
  let offset = 0
  let from = 0
  let packed = ""
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const text = textAt(i)
    const size = Buffer.byteLength(text)
    if (i > from && bytes + separator.length + size > limit) {
      offset = writeFrame(packed, offset)
      ends.fill(offset, from, i)
      from = i
      packed = ""
      bytes = 0
    }
    packed = i === from ? text : packed + separator + text
    bytes += size + separator.length
  }
  if (count > 0) offset = writeFrame(packed, offset)
  ends.fill(offset, from, count)
  return { bytes: copied(offset), ends }
}

/** The same of binary messages, one after another. */
export const packedBinaryFramesOf = (messages: ReadonlyArray<Uint8Array>, limit: number): EncodedBatch => {
  const ends = new Uint32Array(messages.length)
  let offset = 0
  for (let from = 0; from < messages.length;) {
    let to = from
    let length = 0
    while (to < messages.length) {
      const size = messages[to]?.length ?? 0
      if (to > from && length + size > limit) break
      length += size
      to += 1
    }
    ensure(offset, longestHeader + length)
    scratch[offset] = binaryFrame
    offset = writeLength(length, offset + 1)
    for (const message of messages.slice(from, to)) {
      scratch.set(message, offset)
      offset += message.length
    }
    ends.fill(offset, from, to)
    from = to
  }
  return { bytes: copied(offset), ends }
}
