import { connect } from "node:net"
import type { Socket } from "node:net"
import { randomBytes } from "node:crypto"

export interface Head {
  readonly status: number
  readonly head: string
}

/** A frame of RFC 6455 as somebody might send it who does not keep to it. */
export const frameOf = (
  payload: Buffer | string,
  options: {
    readonly opcode?: number
    readonly fin?: boolean
    readonly masked?: boolean
    readonly length?: number
    /** The three reserved bits, RSV1 the highest: 0–7. */
    readonly rsv?: number
    /** Four bytes; the mask 0 changes nothing and is a mask. */
    readonly mask?: Buffer
  } = {}
): Buffer => {
  const { fin = true, mask = Buffer.alloc(4), masked = true, opcode = 1, rsv = 0 } = options
  const body = Buffer.from(payload).map((byte, index) => (masked ? byte ^ (mask[index % 4] ?? 0) : byte))
  const length = options.length ?? body.length
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + size)
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  head[1] = (masked ? 0x80 : 0) | (size === 0 ? length : size === 2 ? 126 : 127)
  if (size === 2) head.writeUInt16BE(length, 2)
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, ...(masked ? [mask] : []), body])
}

/** A TCP connection that has asked for a WebSocket; what comes then is bytes. */
export class RawSocket {
  readonly socket: Socket
  received = Buffer.alloc(0)
  /** When the connection has ended, in whatever way. */
  readonly ended: Promise<void>
  readonly #waiting = new Set<() => void>()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      for (const look of this.#waiting) look()
    })
    // Cut while it is written to: that is what some tests are about.
    socket.on("error", () => {})
    this.ended = new Promise((done) => {
      socket.once("close", () => {
        done()
        for (const look of this.#waiting) look()
      })
    })
  }

  /** Asks for the upgrade; settles with the answer's head, which `received` does not hold any more. */
  static async handshake(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawSocket & Head> {
    const { host, hostname, pathname, port, search } = new URL(url)
    const raw = new RawSocket(connect(Number(port), hostname === "localhost" ? "127.0.0.1" : hostname))
    const fields = {
      Host: host,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      ...headers
    }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    raw.socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`)
    await raw.until(() => raw.received.includes("\r\n\r\n"))
    const end = raw.received.indexOf("\r\n\r\n") + 4
    const head = raw.received.subarray(0, end).toString("latin1")
    raw.received = raw.received.subarray(end)
    return Object.assign(raw, { head, status: Number(head.split(" ", 2)[1]) })
  }

  /** When the condition holds, or nothing more can come. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((done) => {
      const look = (): void => {
        if (!condition() && !this.socket.closed) return
        this.#waiting.delete(look)
        done()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Settles when the kernel has taken it, or the connection is gone. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((done) => {
      if (this.socket.destroyed) return done()
      const settle = (): void => {
        this.socket.off("close", settle)
        done()
      }
      this.socket.once("close", settle)
      this.socket.write(bytes, settle)
    })
  }

  /** The code of the close frame that came last, if one did. */
  get closeCode(): number | undefined {
    let at = 0
    while (at + 2 <= this.received.length) {
      const short = (this.received[at + 1] ?? 0) & 0x7f
      const size = short === 126 ? 2 : short === 127 ? 8 : 0
      const length =
        size === 2
          ? this.received.readUInt16BE(at + 2)
          : size === 8
            ? Number(this.received.readBigUInt64BE(at + 2))
            : short
      if (((this.received[at] ?? 0) & 0x0f) === 8) return this.received.readUInt16BE(at + 2 + size)
      at += 2 + size + length
    }
    return undefined
  }
}
