// Hot path: `read` is called for every chunk of every socket of a wire whose frames hold lines.
import { opcodes, readServerHeader } from "./ServerFrame.ts"

const newline = 0x0a

/** The lines of a chunk, of whichever socket: a comparison costs most by being begun, and a server that is quick sends many small frames. */
let gathered = Buffer.allocUnsafeSlow(128 * 1024)

/** What a socket's text frames hold, as one stream of lines: how a server cut it into frames is its own affair, and another one for each socket. */
export class LineStream {
  /** Bytes of the text frame that have not come. */
  #left = 0
  /** A header, or a frame that is not text, whose end has not come. */
  #carry: Buffer | undefined

  /**
   * Hands on what is in `chunk`, keeping no reference to it: `onLines` gets bytes, valid during the call only, that together are lines, each with its end; `onAside` other frames. Each
   * is called in the order in which it came.
   */
  read(chunk: Buffer, onLines: (bytes: Buffer) => void, onAside: (opcode: number, payload: Buffer) => void): void {
    const bytes = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = undefined
    // A line's end takes no more than the header before it, but for a frame whose header came earlier.
    if (gathered.length <= bytes.length) gathered = Buffer.allocUnsafeSlow(2 * bytes.length)
    let filled = 0
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left)
        filled += bytes.copy(gathered, filled, at, end)
        this.#left -= end - at
        if (this.#left === 0) gathered[filled++] = newline
        at = end
        continue
      }
      const frame = readServerHeader(bytes, at)
      const isText = frame?.opcode === opcodes.text
      if (frame === undefined || (!isText && bytes.length < frame.end)) {
        this.#carry = Buffer.from(bytes.subarray(at))
        break
      }
      if (isText) this.#left = frame.end - frame.payloadStart
      else {
        if (filled > 0) onLines(gathered.subarray(0, filled))
        filled = 0
        onAside(frame.opcode, bytes.subarray(frame.payloadStart, frame.end))
      }
      at = isText ? frame.payloadStart : frame.end
    }
    if (filled > 0) onLines(gathered.subarray(0, filled))
  }
}
