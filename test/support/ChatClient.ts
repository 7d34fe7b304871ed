import { randomUUID } from "node:crypto"
import { WebSocket } from "ws"
import type { RawData } from "ws"

/** A frame as it came: a message has `seq`, an answer of the server to this socket alone is `from: "system"` without one. */
export interface ReceivedFrame {
  readonly from: string
  readonly message: string
  readonly date: string
  readonly id?: string
  readonly seq?: number
  readonly room?: string
  readonly guest?: true
  readonly ack?: { readonly id: string; readonly seq: number }
  readonly auth?: { readonly username: string; readonly expires: string }
  readonly error?: {
    readonly code: string
    readonly retryable: boolean
    readonly retryAfterMs?: number
    readonly id?: string
    readonly head?: number
  }
}

/** A message of a room. */
export interface Delivered extends ReceivedFrame {
  readonly id: string
  readonly seq: number
}

export interface ConnectOptions {
  readonly room?: string
  readonly since?: number
  readonly history?: number
  readonly epoch?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: ReadonlyArray<string>
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** The server answered the handshake with this instead of 101. */
export class HandshakeRefused extends Error {
  readonly status: number

  constructor(status: number) {
    super(`the handshake was answered with ${status}`)
    this.status = status
  }
}

/** A socket of the classic wire that remembers what it got, and lets a test wait for it instead of for a while. */
export class ChatClient {
  readonly socket: WebSocket
  readonly frames: Array<ReceivedFrame> = []
  /** How it ended; never fails. */
  readonly closed: Promise<Closed>
  #onFrame: (frame: ReceivedFrame) => void = () => {}
  readonly #onAnswer = new Set<(frame: ReceivedFrame) => void>()
  #ended: Closed | undefined
  readonly #waiting = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data: RawData) => {
      const frame = JSON.parse(String(data)) as ReceivedFrame
      this.frames.push(frame)
      this.#onFrame(frame)
      for (const onAnswer of this.#onAnswer) onAnswer(frame)
      this.#look()
    })
    socket.on("error", () => {})
    this.closed = new Promise((done) => {
      socket.once("close", (code, reason) => {
        this.#ended = { code, reason: String(reason) }
        done(this.#ended)
        this.#look()
      })
    })
  }

  /** Fails with `HandshakeRefused`, or with the error of a connection that ended before it was one. */
  static connect(url: string, options: ConnectOptions = {}): Promise<ChatClient> {
    const { headers = {}, protocols = [], ...query } = options
    const target = new URL(url)
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, String(value))
    return new Promise((opened, failed) => {
      const socket = new WebSocket(target, [...protocols], { headers, perMessageDeflate: false })
      const client = new ChatClient(socket)
      socket.once("unexpected-response", (request, response) => {
        request.destroy()
        failed(new HandshakeRefused(response.statusCode ?? 0))
      })
      socket.once("error", failed)
      socket.once("open", () => opened(client))
    })
  }

  /** What everybody in the room gets. */
  get messages(): ReadonlyArray<Delivered> {
    return this.frames.filter((frame): frame is Delivered => frame.seq !== undefined)
  }

  /** Called with each frame, in order: those that are here already, then those to come. */
  each(onFrame: (frame: ReceivedFrame) => void): void {
    this.#onFrame = onFrame
    for (const frame of Array.from(this.frames)) onFrame(frame)
  }

  /** Sends an object as JSON, anything else as it is. */
  send(data: object | string): void {
    this.socket.send(typeof data === "string" || Buffer.isBuffer(data) ? data : JSON.stringify(data))
  }

  /** A message as a client of the seed sends it. */
  say(message: string, fields: { readonly from?: string; readonly id?: string } = {}): void {
    this.send({ from: "visitor", message, date: new Date().toISOString(), ...fields })
  }

  /** As `say`, and again, with the same id, as often as the server asks for it: until it is delivered. */
  async insist(message: string): Promise<Delivered> {
    const id = randomUUID()
    const again = (frame: ReceivedFrame): void => {
      if (frame.error?.id !== id || !frame.error.retryable) return
      setTimeout(() => this.say(message, { id }), frame.error.retryAfterMs)
    }
    this.#onAnswer.add(again)
    this.say(message, { id })
    const delivered = await this.frame((frame) => frame.id === id && frame.seq !== undefined)
    this.#onAnswer.delete(again)
    return delivered as Delivered
  }

  /** When the condition holds; fails when the socket ends before it does. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((done, failed) => {
      const look = (): void => {
        if (condition()) {
          this.#waiting.delete(look)
          done()
        } else if (this.#ended !== undefined) {
          this.#waiting.delete(look)
          failed(
            new Error(`the socket was closed (${this.#ended.code} ${this.#ended.reason}) before what was awaited came`)
          )
        }
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The first frame that is like this, whether it is here already or still to come. */
  async frame(isIt: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame> {
    let found: ReceivedFrame | undefined
    let looked = 0
    await this.until(() => {
      found ??= this.frames.slice(looked).find(isIt)
      looked = this.frames.length
      return found !== undefined
    })
    if (found === undefined) throw new Error("unreachable")
    return found
  }

  /** The first message with this text. */
  delivered(message: string): Promise<Delivered> {
    return this.frame((frame) => frame.seq !== undefined && frame.message === message) as Promise<Delivered>
  }

  /** What the server answers to one frame, to this socket alone. Nothing else may be under way. */
  async answerTo(data: object | string): Promise<ReceivedFrame> {
    const before = this.frames.length
    this.send(data)
    await this.until(() => this.frames.slice(before).some((frame) => frame.seq === undefined))
    const answer = this.frames.slice(before).find((frame) => frame.seq === undefined)
    if (answer === undefined) throw new Error("unreachable")
    return answer
  }

  /** After this the server has taken the socket into its room, and has read everything that was sent before. */
  async settled(): Promise<void> {
    await this.answerTo("{")
  }

  close(): Promise<Closed> {
    this.socket.close()
    return this.closed
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}
