// Hot path: one call a message posted.

/** The mask may be any four bytes (RFC 6455, 5.3); the server's work does not depend on which. */
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

/** A whole masked frame, as a client must send it. At most 65,535 bytes of payload. */
export const clientFrame = (opcode: number, payload: Buffer): Buffer => {
  const short = payload.length < 126
  const start = short ? 6 : 8
  const frame = Buffer.allocUnsafe(start + payload.length)
  frame[0] = 0x80 | opcode
  if (short) {
    frame[1] = 0x80 | payload.length
  } else {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(payload.length, 2)
  }
  mask.copy(frame, start - 4)
  for (let index = 0; index < payload.length; index++) {
    frame[start + index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0)
  }
  return frame
}
