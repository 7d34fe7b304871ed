// Hot path: one call a frame of the stream that leads.
import { BenchFault } from "../BenchFault.ts"

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Where a frame lies in the bytes it was found in. */
export interface ServerFrame {
  readonly opcode: number
  readonly payloadStart: number
  /** One past the last byte. */
  readonly end: number
}

/**
 * The frame (RFC 6455, 5.2) that begins at `at`, or undefined while its bytes have not all come. Throws a `BenchFault` on what no server
 * here may send: masked or compressed frames, and fragments.
 */
export const readServerFrame = (bytes: Buffer, at: number): ServerFrame | undefined => {
  const frame = readServerHeader(bytes, at)
  return frame === undefined || bytes.length < frame.end ? undefined : frame
}

/** The same as soon as its header has come. The bytes end at `size`. */
export const readServerHeader = (bytes: Buffer, at: number, size = bytes.length): ServerFrame | undefined => {
  if (size < at + 2) return undefined
  const first = bytes.readUInt8(at)
  const second = bytes.readUInt8(at + 1)
  if ((first & 0x70) !== 0) throw new BenchFault("A frame has reserved bits set: is compression on?")
  if ((first & 0x80) === 0) throw new BenchFault("A frame came in fragments.")
  if ((second & 0x80) !== 0) throw new BenchFault("A frame of the server is masked.")
  let payloadStart = at + 2
  let length = second
  if (second === 126) {
    if (size < at + 4) return undefined
    length = bytes.readUInt16BE(at + 2)
    payloadStart = at + 4
  } else if (second === 127) {
    if (size < at + 10) return undefined
    length = Number(bytes.readBigUInt64BE(at + 2))
    payloadStart = at + 10
  }
  return { opcode: first & 0x0f, payloadStart, end: payloadStart + length }
}
