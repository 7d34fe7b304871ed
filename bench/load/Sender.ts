import type { Wire } from "../Target.ts"
import { messageText, senderName } from "./BenchMessage.ts"
import { clientFrame } from "./ClientFrame.ts"
import { opcodes } from "./ServerFrame.ts"

/** How many send times a sender remembers: many times what it can have in flight. A power of two. */
const remembered = 1024

/** One of the room's authors: it numbers its messages and knows when each left. */
export class Sender {
  readonly #index: number
  readonly #wire: Wire
  readonly #room: string
  readonly #messageBytes: number
  readonly #write: (frames: Buffer) => void
  readonly #times = new Float64Array(remembered)
  /** Messages sent so far. */
  sent = 0

  constructor(index: number, wire: Wire, room: string, messageBytes: number, write: (frames: Buffer) => void) {
    this.#index = index
    this.#wire = wire
    this.#room = room
    this.#messageBytes = messageBytes
    this.#write = write
  }

  /** Sends the next `count` messages, in one write. */
  send(count: number): void {
    const date = new Date().toISOString()
    const now = performance.now()
    const frames: Array<Buffer> = []
    for (let left = count; left > 0; left--) {
      this.sent++
      this.#times[this.sent % remembered] = now
      const text = messageText(this.#index, this.sent, this.#messageBytes)
      const value = this.#wire.encode(senderName(this.#index), text, date, this.#room)
      frames.push(clientFrame(opcodes.text, Buffer.from(value)))
    }
    this.#write(frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames))
  }

  /** When message `count` was sent, in milliseconds of `performance.now()`; undefined if it was not. */
  sentAt(count: number): number | undefined {
    return count > this.sent ? undefined : this.#times[count % remembered]
  }
}
