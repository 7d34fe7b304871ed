// Hot path: `read` is called for every chunk of every socket of a wire whose frames hold lines.
import { opcodes, readServerHeader } from "./ServerFrame.ts"

const newline = Buffer.from("\n")

/** What a socket's text frames hold, as one stream of lines: how a server cut it into frames is its own affair, and another one for each socket. */
export class LineStream {
  /** Bytes of the text frame that have not come. */
  #left = 0
  /** A header, or a frame that is not text, whose end has not come. */
  #carry: Buffer | undefined

  /** Hands on what is in `chunk`, keeping no reference to it: `onLines` gets bytes that together are lines, each with its end; `onAside` other frames. */
  read(chunk: Buffer, onLines: (bytes: Buffer) => void, onAside: (opcode: number, payload: Buffer) => void): void {
    const bytes = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = undefined
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left)
        this.#left -= end - at
        onLines(bytes.subarray(at, end))
        if (this.#left === 0) onLines(newline)
        at = end
        continue
      }
      const frame = readServerHeader(bytes, at)
      const isText = frame?.opcode === opcodes.text
      if (frame === undefined || (!isText && bytes.length < frame.end)) {
        this.#carry = Buffer.from(bytes.subarray(at))
        return
      }
      if (isText) this.#left = frame.end - frame.payloadStart
      else onAside(frame.opcode, bytes.subarray(frame.payloadStart, frame.end))
      at = isText ? frame.payloadStart : frame.end
    }
  }
}
