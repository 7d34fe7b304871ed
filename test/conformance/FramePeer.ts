import { RawSocket } from "../support/RawSocket.ts"
import type { ReceivedFrame } from "../support/ChatClient.ts"

/** A frame of the server, as RFC 6455 has it. */
interface WireFrame {
  readonly opcode: number
  readonly payload: Buffer
}

/** The whole frames in what came. Throws where they are not as a server must send them: unmasked, whole, no reserved bit. */
const framesIn = (bytes: Buffer): ReadonlyArray<WireFrame> => {
  const frames: Array<WireFrame> = []
  for (let at = 0; at + 2 <= bytes.length;) {
    const [first = 0, second = 0] = bytes.subarray(at, at + 2)
    if ((first & 0xf0) !== 0x80 || (second & 0x80) !== 0)
      throw new Error(`a server's frame begins with ${first}, ${second}`)
    const size = second === 126 ? 2 : second === 127 ? 8 : 0
    if (at + 2 + size > bytes.length) break
    const length = size === 0 ? second : size === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + 2 + size
    if (start + length > bytes.length) break
    frames.push({ opcode: first & 0x0f, payload: bytes.subarray(start, start + length) })
    at = start + length
  }
  return frames
}

/** What a server did with what it was sent. */
export interface Conduct {
  /** Messages that it took in and gave back, and the codes of those that it refused, in order. */
  readonly said: ReadonlyArray<string>
  readonly pongs: ReadonlyArray<string>
  /** The code of its close frame; 1005 where it has none, 1006 where there was no close frame. */
  readonly code: number
}

/** One connection that speaks bytes in a room of its own. */
export class FramePeer {
  readonly #raw: RawSocket

  private constructor(raw: RawSocket) {
    this.#raw = raw
  }

  static async connect(socketUrl: string, room: string, from = "&since=0"): Promise<FramePeer> {
    const raw = await RawSocket.handshake(`${socketUrl}?room=${room}${from}`)
    if (raw.status !== 101) throw new Error(`the handshake was answered with ${raw.status}`)
    raw.socket.setNoDelay(true)
    return new FramePeer(raw)
  }

  /** Byte by byte, each a packet of its own where the kernel lets it. */
  async sendOctets(bytes: Buffer): Promise<void> {
    for (const byte of bytes) await this.#raw.write(Buffer.of(byte))
  }

  async send(bytes: Buffer): Promise<void> {
    await this.#raw.write(bytes)
  }

  /** When so many messages, refusals and pongs are here; or the connection is over. */
  async until(said: number, pongs: number): Promise<void> {
    await this.#raw.until(() => {
      const conduct = this.conduct
      return (conduct.said.length >= said && conduct.pongs.length >= pongs) || conduct.code !== 1006
    })
  }

  /** Says at the level of TCP that nothing more comes; whether the server has ended it, too, within so many milliseconds. */
  async end(millis: number): Promise<boolean> {
    let late: NodeJS.Timeout | undefined
    const timeout = new Promise<boolean>((done) => (late = setTimeout(() => done(false), millis)))
    this.#raw.socket.end()
    const ended = await Promise.race([this.#raw.ended.then(() => true), timeout])
    clearTimeout(late)
    return ended
  }

  /** When the server has said goodbye, or is gone. */
  async untilClosed(): Promise<Conduct> {
    await this.#raw.until(() => this.conduct.code !== 1006)
    const { conduct } = this
    this.#raw.socket.destroy()
    await this.#raw.ended
    return conduct
  }

  get conduct(): Conduct {
    const frames = framesIn(this.#raw.received)
    const closes = frames.filter(({ opcode }) => opcode === 8)
    if (closes.length > 1) throw new Error("a server says goodbye once")
    const [close] = closes
    if (close !== undefined && frames.at(-1) !== close) throw new Error("nothing comes after a goodbye")
    return {
      said: frames.flatMap(({ opcode, payload }) => (opcode === 1 ? [saidIn(payload)] : [])),
      pongs: frames.flatMap(({ opcode, payload }) => (opcode === 10 ? [payload.toString("latin1")] : [])),
      code: close === undefined ? 1006 : close.payload.length === 0 ? 1005 : close.payload.readUInt16BE(0)
    }
  }
}

const saidIn = (payload: Buffer): string => {
  const { error, message } = JSON.parse(payload.toString()) as ReceivedFrame
  return error === undefined ? message : error.code
}
