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
  if (header === 2) scratch[offset + 1] = length
  else if (header === 4) {
    scratch[offset + 1] = 126
    scratch.writeUInt16BE(length, offset + 2)
  } else {
    scratch[offset + 1] = 127
    scratch.writeUInt32BE(0, offset + 2)
    scratch.writeUInt32BE(length, offset + 6)
  }
  return offset + header + length
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
  const ends = new Uint32Array(count)
  let offset = 0
  for (let i = 0; i < count; i++) {
    offset = writeFrame(textAt(i), offset)
    ends[i] = offset
  }
  return { bytes: copied(offset), ends }
}
