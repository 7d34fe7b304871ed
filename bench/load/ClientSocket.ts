// Hot path: `receive` is called for every chunk of every socket.
import { createHash } from "node:crypto"
import { createConnection } from "node:net"
import type { Socket } from "node:net"
import { BenchFault } from "../BenchFault.ts"
import type { Wire } from "../Target.ts"
import { clientFrame } from "./ClientFrame.ts"
import { opcodes, readServerFrame } from "./ServerFrame.ts"

/**
 * libuv reads and delivers one socket after another, so on POSIX all of them can read into one buffer, which then stays in the CPU's cache.
 * On Windows a read is pending in the buffer: there each socket has its own.
 */
const shared = Buffer.allocUnsafeSlow(128 * 1024)
const readBuffer = (): Buffer => (process.platform === "win32" ? Buffer.allocUnsafeSlow(16 * 1024) : shared)

const key = Buffer.from("a benchmark key.").toString("base64")
const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")

export interface ClientSocketOptions {
  readonly name: string
  readonly port: number
  readonly path: string
  readonly wire: Wire
  readonly room: string
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined
  /** Bytes after the opening, the first `length` of `buffer`; valid during the call only. A view of them would be made for each chunk. */
  readonly onBytes: (buffer: Buffer, length: number) => void
  /** The socket's end, whoever's fault it is, unless `close` was called. Also for what `onBytes` throws. */
  readonly onFault: (fault: BenchFault) => void
}

/** A WebSocket client on a bare TCP socket: it does what a benchmark of 8,000 needs and no more. */
export class ClientSocket {
  readonly name: string
  readonly #options: ClientSocketOptions
  readonly #socket: Socket
  readonly #opened = Promise.withResolvers<void>()
  #phase: "upgrade" | "opening" | "open" | "closed" = "upgrade"
  #unread: Buffer | undefined

  /** Upgraded, and past the wire's opening. Rejects with a `BenchFault`. */
  static async connect(options: ClientSocketOptions): Promise<ClientSocket> {
    const socket = new ClientSocket(options)
    await socket.#opened.promise
    return socket
  }

  private constructor(options: ClientSocketOptions) {
    this.name = options.name
    this.#options = options
    const buffer = readBuffer()
    this.#socket = createConnection({
      host: "127.0.0.1",
      port: options.port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          this.#receive(length, buffer)
          return true
        }
      }
    })
    this.#socket.on("connect", () => {
      const authorization = options.token === undefined ? "" : `Authorization: Bearer ${options.token}\r\n`
      this.#socket.write(
        `GET ${options.path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${authorization}\r\n`
      )
    })
    this.#socket.on("error", (cause) => this.#fail(`${this.name}: ${cause.message}.`, cause))
    this.#socket.on("close", () => this.#fail(`${this.name} was cut by the server.`))
  }

  /** Hands masked frames to the kernel, in one write. */
  write(frames: Buffer): void {
    this.#socket.write(frames)
  }

  /** Reads nothing more: what the server sends fills the kernel's buffers, then the server's. */
  stall(): void {
    this.#socket.pause()
  }

  readOn(): void {
    this.#socket.resume()
  }

  /** Answers what the server says to this socket alone. */
  aside(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.write(clientFrame(opcodes.pong, payload))
    else if (opcode === opcodes.close) {
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
      this.#fail(`${this.name} was closed by the server: ${code} ${payload.subarray(2).toString()}.`)
    } else if (opcode === opcodes.text) {
      const answer = this.#options.wire.answer?.(payload.toString())
      if (answer !== undefined) this.write(clientFrame(opcodes.text, Buffer.from(answer)))
    }
  }

  /** Gone at once, with a reset: thousands of ports in TIME_WAIT would be missed by the next turn. */
  close(): void {
    this.#phase = "closed"
    this.#socket.resetAndDestroy()
  }

  #receive(length: number, buffer: Buffer): void {
    try {
      if (this.#phase === "open") this.#options.onBytes(buffer, length)
      else if (this.#phase !== "closed") this.#open(buffer.subarray(0, length))
    } catch (cause) {
      this.#fail(cause instanceof Error ? cause.message : String(cause), cause)
    }
  }

  #open(bytes: Buffer): void {
    let unread = this.#unread === undefined ? Buffer.from(bytes) : Buffer.concat([this.#unread, bytes])
    if (this.#phase === "upgrade") {
      const end = unread.indexOf("\r\n\r\n")
      if (end < 0) {
        this.#unread = unread
        return
      }
      const head = unread.toString("latin1", 0, end)
      if (!head.startsWith("HTTP/1.1 101 ") || !head.includes(accept)) {
        throw new BenchFault(`${this.name} was refused: ${unread.toString().slice(0, 500)}`)
      }
      unread = unread.subarray(end + 4)
      this.#phase = this.#options.wire.opening === undefined ? "open" : "opening"
      const hello = this.#options.wire.hello?.(this.#options.room)
      if (hello !== undefined) this.write(clientFrame(opcodes.text, Buffer.from(hello)))
    }
    while (this.#phase === "opening") {
      const frame = readServerFrame(unread, 0)
      if (frame === undefined) break
      const payload = unread.subarray(frame.payloadStart, frame.end)
      unread = unread.subarray(frame.end)
      if (frame.opcode === opcodes.text) this.#heard(payload.toString())
      else this.aside(frame.opcode, payload)
    }
    this.#unread = unread
    if (this.#phase !== "open") return
    this.#unread = undefined
    this.#opened.resolve()
    if (unread.length > 0) this.#options.onBytes(unread, unread.length)
  }

  #heard(text: string): void {
    const values = this.#options.wire.holds === "lines" ? text.split("\n") : [text]
    for (const value of values) {
      if (this.#phase === "open") throw new BenchFault(`${this.name} got ${value} in the frame of its opening.`)
      this.#say(value)
    }
  }

  #say(text: string): void {
    const step = this.#options.wire.opening?.(text)
    if (step?.reply !== undefined) this.write(clientFrame(opcodes.text, Buffer.from(step.reply)))
    if (step?.open === true) this.#phase = "open"
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#phase === "closed") return
    this.close()
    const fault = new BenchFault(message, { cause })
    this.#opened.reject(fault)
    this.#options.onFault(fault)
  }
}
