import type { Transport, TransportEvents } from "../ws/Transport.ts"
import { textsOf } from "./FrameTexts.ts"

/** What the server closed a socket with. */
export interface SocketClose {
  readonly code: number
  readonly reason: string
}

export interface MemorySocketEvents {
  /** The text of one frame, in the order in which the server wrote them. */
  readonly text: (text: string) => void
  readonly closed: (close: SocketClose) => void
}

/**
 * Both ends of a socket without a network: what the server writes is taken apart into the texts of its frames. While it is stalled it takes nothing, as a kernel whose
 * buffer is full.
 */
export class MemorySocket implements Transport {
  readonly #events: MemorySocketEvents
  #server: TransportEvents | undefined
  #queue: Array<Uint8Array> = []
  #queuedBytes = 0
  #stalled = false
  #paused = false
  #inbox: Array<string> = []
  #open = true

  constructor(events: MemorySocketEvents) {
    this.#events = events
  }

  /** Connects it to what the engine made for it. */
  listen(server: TransportEvents): void {
    this.#server = server
  }

  /** The client sends a text frame. */
  send(text: string): void {
    if (!this.#open) return
    if (this.#paused) this.#inbox.push(text)
    else this.#server?.frame(new TextEncoder().encode(text), false)
  }

  sendBinary(bytes: Uint8Array): void {
    this.#server?.frame(bytes, true)
  }

  /** The client goes away without a word. */
  drop(): void {
    if (!this.#open) return
    this.#open = false
    this.#server?.closed()
  }

  /** From now on nothing is taken from the server, until `unstall`. */
  stall(): void {
    this.#stalled = true
  }

  unstall(): void {
    this.#stalled = false
    const queue = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const bytes of queue) this.#deliver(bytes)
    this.#server?.drained()
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return
    if (this.#stalled) {
      this.#queue.push(bytes)
      this.#queuedBytes += bytes.length
    } else this.#deliver(bytes)
  }

  queuedBytes(): number {
    return this.#queuedBytes
  }

  undrainedBytes(): number {
    return this.#queuedBytes
  }

  /** A client that reads answers at once. */
  ping(): void {
    if (!this.#stalled && this.#open) this.#server?.alive()
  }

  close(code: number, reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#events.closed({ code, reason })
    this.#server?.closed()
  }

  terminate(): void {
    this.close(1006, "")
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    while (!this.#paused && this.#inbox.length > 0) {
      const text = this.#inbox.shift()
      if (text !== undefined) this.send(text)
    }
  }

  #deliver(bytes: Uint8Array): void {
    for (const text of textsOf(bytes)) this.#events.text(text)
  }
}
