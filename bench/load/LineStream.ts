// Hot path: `read` is called for every chunk of every socket of a wire whose frames hold lines.
import { opcodes, readServerHeader } from "./ServerFrame.ts"

const newline = 0x0a

/** So much at once is compared where it lies. Bytes. */
const large = 2 * 1024

/** The small frames of a chunk, of whichever socket: a comparison costs most by being begun, and a server that is quick sends many of them. */
let gathered = Buffer.allocUnsafeSlow(128 * 1024)

/** What a socket's text frames hold, as one stream of lines: how a server cut it into frames is its own affair, and another one for each socket. */
export class LineStream {
  /** Bytes of the text frame that have not come. */
  #left = 0
  /** A header, or a frame that is not text, whose end has not come. */
  #carry: Buffer | undefined

  /**
   * Hands on what the first `length` bytes of `chunk` hold, in the order in which it came, keeping no reference to it: `onLines` gets bytes, the first so many of a buffer and valid during
   * the call only, that together are lines, each with its end; `onAside` other frames.
   */
  read(
    chunk: Buffer,
    length: number,
    onLines: (bytes: Buffer, length: number) => void,
    onAside: (opcode: number, payload: Buffer) => void
  ): void {
    const carried = this.#carry
    const bytes = carried === undefined ? chunk : Buffer.concat([carried, chunk.subarray(0, length)])
    const size = carried === undefined ? length : bytes.length
    this.#carry = undefined
    // A line's end takes no more than the header before it, but for a frame whose header came earlier.
    if (gathered.length <= size) gathered = Buffer.allocUnsafeSlow(2 * size)
    let filled = 0
    let at = 0
    while (at < size) {
      if (this.#left > 0) {
        const end = Math.min(size, at + this.#left)
        if (end - at < large) filled += bytes.copy(gathered, filled, at, end)
        else {
          if (filled > 0) onLines(gathered, filled)
          filled = 0
          onLines(bytes.subarray(at, end), end - at)
        }
        this.#left -= end - at
        if (this.#left === 0) gathered[filled++] = newline
        at = end
        continue
      }
      const frame = readServerHeader(bytes, at, size)
      const isText = frame?.opcode === opcodes.text
      if (frame === undefined || (!isText && size < frame.end)) {
        this.#carry = Buffer.from(bytes.subarray(at, size))
        break
      }
      if (isText) this.#left = frame.end - frame.payloadStart
      else {
        if (filled > 0) onLines(gathered, filled)
        filled = 0
        onAside(frame.opcode, bytes.subarray(frame.payloadStart, frame.end))
      }
      at = isText ? frame.payloadStart : frame.end
    }
    if (filled > 0) onLines(gathered, filled)
  }
}
