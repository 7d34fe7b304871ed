// Hot path. The one file that knows `ws` from the inside: frames that were built once are written to its private net.Socket, which is safe while
// compression is off and nothing is sent in fragments. `ws` is pinned to an exact version for this.
import { writeSync } from "node:fs"
import type { Duplex } from "node:stream"
import type { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import { WebSocket, WebSocketServer } from "ws"
import { goodbyeMillis } from "./Transport.ts"
import type { Transport, TransportEvents } from "./Transport.ts"

/** A message is at most 16 KiB (the engine answers a larger one with an error); a frame past this ends the connection with 1009. */
const maxPayload = 64 * 1024

/** A WebSocket with the connection that it tells everything: a field, not a listener for each event, since there are many. */
class ChatSocket extends WebSocket {
  events: TransportEvents | undefined

  override emit(event: string | symbol, ...[data, isBinary]: ReadonlyArray<unknown>): boolean {
    if (this.events === undefined) return false
    // `binaryType` is "nodebuffer": ws gives a Buffer.
    if (event === "message" && data instanceof Uint8Array) this.events.frame(data, isBinary === true)
    else if (event === "pong" || event === "ping") this.events.alive()
    else if (event === "close") this.events.closed()
    // An error of the peer's is no more than that: `ws` closes the connection with the right code.
    return true
  }
}

const options = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload,
  maxFragments: 64,
  maxBufferedChunks: 1_024,
  // Not in the published types yet.
  closeTimeout: goodbyeMillis,
  WebSocket: ChatSocket,
  // The pair `bearer, <token>` brings a token from a browser: only its first half is ever echoed.
  handleProtocols: (protocols: Set<string>) =>
    ["bearer", "room-token", "centrifuge-protobuf", "centrifuge-json"].find((name) => protocols.has(name)) ?? false
} as const

/** What Node's socket keeps of the system's: `null` once that is closed, or is about to be. */
interface Held {
  readonly _handle: object | null
}
const isHeld = (socket: object): socket is Held =>
  "_handle" in socket && typeof socket._handle === "object" && socket._handle !== null

/** The system's socket, past Node's stream. */
interface Direct {
  readonly held: Held
  readonly handle: object | null
  readonly fd: number
}

/** `undefined` where bytes are not the socket's own (TLS), or the system has no such number (Windows). */
const directOf = (raw: Socket): Direct | undefined => {
  if (raw instanceof TLSSocket || !isHeld(raw)) return undefined
  const fd = numberAt(raw._handle, "fd")
  return fd === undefined || fd < 0 ? undefined : { held: raw, handle: raw._handle, fd }
}

/** A larger write is not worth it: what the system takes only a part of is asked for twice. Bytes. */
const largestDirect = 32 * 1024

/** How many of the bytes the system took at once; 0 where it took none, for whatever reason. */
const taken = (fd: number, bytes: Uint8Array): number => {
  try {
    return writeSync(fd, bytes, 0, bytes.length)
  } catch {
    return 0
  }
}

export class WebSocketTransport implements Transport {
  readonly #socket: ChatSocket
  readonly #raw: Socket
  readonly #direct: Direct | undefined

  constructor(socket: ChatSocket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
    this.#direct = directOf(raw)
  }

  /** From now on the peer is heard. */
  listen(events: TransportEvents): void {
    this.#socket.events = events
    this.#raw.on("drain", () => events.drained())
  }

  /** The subprotocol that was agreed on; empty where none was. */
  get protocol(): string {
    return this.#socket.protocol
  }

  /**
   * Where nothing waits the system is asked at once: a stream's write costs a sixth more. The number is this socket's as long as its handle is held. What the system does not take goes
   * through the stream, which waits, or finds the socket's end.
   */
  write(bytes: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    const raw = this.#raw
    const direct = this.#direct
    if (
      direct === undefined ||
      bytes.length > largestDirect ||
      raw.writableLength > 0 ||
      direct.held._handle !== direct.handle
    ) {
      raw.write(bytes)
      return
    }
    const written = taken(direct.fd, bytes)
    if (written < bytes.length) raw.write(bytes.subarray(written))
  }

  queuedBytes(): number {
    return this.#raw.writableLength
  }

  undrainedBytes(): number {
    // Node counts a write as a whole until it is done; libuv counts what is left of it (as net.Socket's own time-out does).
    const left = numberAt(Reflect.get(this.#raw, "_handle"), "writeQueueSize")
    const writing = numberAt(Reflect.get(this.#raw, "_writableState"), "writelen")
    return left === undefined || writing === undefined
      ? this.#raw.writableLength
      : this.#raw.writableLength - writing + left
  }

  ping(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping()
  }

  close(code: number, reason: string): void {
    // Read again, or the peer's goodbye is never seen.
    this.#socket.resume()
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }
}

const numberAt = (holder: unknown, name: string): number | undefined => {
  const value: unknown = typeof holder === "object" && holder !== null ? Reflect.get(holder, name) : undefined
  return typeof value === "number" ? value : undefined
}

/** Completes handshakes. `accept` calls back with the open socket, or never where the handshake is not one (ws answers 400 itself). */
export const makeAcceptor = () => {
  const sockets = new WebSocketServer(options)
  return {
    accept: (
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      opened: (transport: WebSocketTransport) => void
    ): void =>
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        if (!(socket instanceof Socket)) return webSocket.terminate()
        socket.setNoDelay(true)
        opened(new WebSocketTransport(webSocket, socket))
      })
  }
}
