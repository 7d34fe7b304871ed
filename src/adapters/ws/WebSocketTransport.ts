// Hot path. The one file that knows `ws` from the inside: frames that were built once are written to its private net.Socket, which is safe while
// compression is off and nothing is sent in fragments. `ws` is pinned to an exact version for this.
import type { Duplex } from "node:stream"
import type { IncomingMessage } from "node:http"
import { Socket } from "node:net"
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

export class WebSocketTransport implements Transport {
  readonly #socket: ChatSocket
  readonly #raw: Socket

  constructor(socket: ChatSocket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
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

  write(bytes: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#raw.write(bytes)
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
