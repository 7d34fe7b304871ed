import { BenchFault } from "../BenchFault.ts"
import type { Wire } from "../Target.ts"
import { ClientSocket } from "./ClientSocket.ts"
import { Reader, RoomTranscript } from "./RoomTranscript.ts"

/** How many sockets are in their handshake at once: below every server's backlog. */
const connecting = 64

/** A socket in its room, and its place in the room's stream. */
export interface Member {
  /** 0, 1, 2 … in the order in which they began to connect. */
  readonly index: number
  readonly socket: ClientSocket
  readonly reader: Reader
  /** Called after bytes of the room came, with the chunk's time; `crowd.transcript.received(reader)` says how far the member is now. */
  onProgress: ((now: number) => void) | undefined
}

/** The sockets of one room. Everything they receive is checked against each other as it comes. */
export class Crowd {
  readonly transcript: RoomTranscript
  readonly members: Array<Member> = []
  /** Called after each chunk of any member: what must not wait until all that came was read. */
  onChunk: (() => void) | undefined
  readonly #fault = Promise.withResolvers<never>()

  private constructor(transcript: RoomTranscript) {
    this.transcript = transcript
    this.#fault.promise.catch(() => {})
  }

  /** All are in the room before this resolves. Rejects with the first `BenchFault`; then none is left. */
  static async connect(options: {
    readonly port: number
    readonly wire: Wire
    readonly room: string
    readonly sockets: number
    readonly transcript: RoomTranscript
    /** The token of the socket of this index, where sockets log in. */
    readonly token?: (index: number) => string | undefined
    /** Sockets in their handshake at once; default 64. */
    readonly atOnce?: number
    readonly onConnected: (sockets: number) => void
  }): Promise<Crowd> {
    const crowd = new Crowd(options.transcript)
    let next = 0
    const connectSome = async (): Promise<void> => {
      while (next < options.sockets) {
        const index = next++
        const { port, room, token, wire } = options
        crowd.members.push(await crowd.#join({ index, port, wire, room, token: token?.(index) }))
        options.onConnected(crowd.members.length)
      }
    }
    try {
      await Promise.all(Array.from({ length: Math.min(options.atOnce ?? connecting, options.sockets) }, connectSome))
    } catch (cause) {
      next = Infinity
      crowd.close()
      throw cause
    }
    return crowd
  }

  async #join(options: {
    readonly index: number
    readonly port: number
    readonly wire: Wire
    readonly room: string
    readonly token: string | undefined
  }): Promise<Member> {
    const { transcript } = this
    const { index, port, room, token, wire } = options
    const name = `socket ${index + 1}`
    const reader = new Reader(name, (opcode, payload) => member?.socket.aside(opcode, payload))
    let member: Member | undefined
    const socket = await ClientSocket.connect({
      name,
      port,
      path: wire.path(room),
      room,
      wire,
      token,
      onBytes: (buffer, length) => {
        transcript.feed(reader, buffer, length)
        member?.onProgress?.(performance.now())
        this.onChunk?.()
      },
      onFault: (fault) => this.#fault.reject(fault)
    })
    member = { index, socket, reader, onProgress: undefined }
    return member
  }

  /** What `work` gives, or the crowd's first fault. */
  async unlessFault<A>(work: Promise<A>): Promise<A> {
    return Promise.race([work, this.#fault.promise])
  }

  /** Messages received by all sockets together. */
  deliveries(): number {
    let sum = 0
    for (const { reader } of this.members) sum += this.transcript.received(reader)
    return sum
  }

  /** Resolves when every socket has all `messages` of the room. Rejects when no socket received anything for `stallMs`. */
  async allReceived(messages: number, stallMs: number, onProgress: (behind: number) => void): Promise<void> {
    let before = -1
    let since = performance.now()
    for (;;) {
      const deliveries = this.deliveries()
      const behind = messages * this.members.length - deliveries
      if (behind === 0 && this.members.every(({ reader }) => this.transcript.isLevel(reader))) return
      const now = performance.now()
      if (deliveries !== before) since = now
      else if (now - since > stallMs) throw this.#stalled(messages, behind, stallMs)
      before = deliveries
      onProgress(behind)
      await this.unlessFault(new Promise((resolve) => setTimeout(resolve, 20)))
    }
  }

  #stalled(messages: number, behind: number, stallMs: number): BenchFault {
    const late = this.members.filter(({ reader }) => this.transcript.received(reader) < messages)
    const first = late[0]
    return new BenchFault(
      `Lost: ${behind} deliveries did not come, and nothing came for ${stallMs / 1000} s. ` +
        `${late.length} of ${this.members.length} sockets are short of the ${messages} messages sent` +
        (first === undefined ? "." : `; ${first.reader.name} has ${this.transcript.received(first.reader)}.`)
    )
  }

  close(): void {
    for (const { socket } of this.members) socket.close()
  }
}
