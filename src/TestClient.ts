import { MemorySocket } from "./adapters/memory/MemorySocket.ts"
import type { SocketClose } from "./adapters/memory/MemorySocket.ts"
import type { MessageView } from "./domain/MessageView.ts"

/** A frame to one client alone: a rejection, an acknowledgement of a repeated message, a notice. */
export interface SystemFrame {
  readonly from: "system"
  readonly message: string
  readonly error?: {
    readonly code: string
    readonly retryable: boolean
    readonly retryAfterMs?: number
    readonly id?: string
  }
  readonly ack?: { readonly id: string; readonly seq: number }
}

/** A message was refused; `code` is the wire's, or `closed` where the socket's end came first. */
export class MessageRejected extends Error {
  override readonly name = "MessageRejected"
  readonly code: string
  readonly retryable: boolean

  constructor(message: string, code: string, retryable: boolean) {
    super(message)
    this.code = code
    this.retryable = retryable
  }
}

interface Posting {
  readonly from: string
  readonly resolve: (seq: number) => void
  readonly reject: (error: MessageRejected) => void
}

/** What came, and who waits for more of it. */
class Received<A> {
  readonly list: Array<A> = []
  #waiting: Array<{ readonly count: number; readonly resolve: () => void; readonly reject: (error: Error) => void }> =
    []
  #end: string | undefined

  push(item: A): void {
    this.list.push(item)
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.list.length < count) return true
      resolve()
      return false
    })
  }

  /** Resolves when there are so many; rejects where the socket ends before. */
  reach(count: number): Promise<void> {
    const { promise, reject, resolve } = Promise.withResolvers<void>()
    if (this.list.length >= count) resolve()
    else if (this.#end !== undefined) reject(this.#missing(count, this.#end))
    else this.#waiting.push({ count, resolve, reject })
    return unpunished(promise)
  }

  end(why: string): void {
    this.#end = why
    for (const { count, reject } of this.#waiting) reject(this.#missing(count, why))
  }

  #missing(count: number, why: string): Error {
    return new Error(`${why} before ${count} of them came: there were ${this.list.length}`)
  }
}

/** Whoever does not wait for it any more is not told that it failed. */
const unpunished = <A>(promise: Promise<A>): Promise<A> => {
  promise.catch(() => {})
  return promise
}

/** One socket of the test server: what it got, in order. */
export class TestClient {
  /** Set once the server closed the socket. */
  closed: SocketClose | undefined
  readonly #username: string
  /** What makes its ids its own. */
  readonly #name: string
  readonly #socket: MemorySocket
  readonly #messages = new Received<MessageView>()
  readonly #notices = new Received<SystemFrame>()
  readonly #posting = new Map<string, Posting>()
  readonly #closing = Promise.withResolvers<SocketClose>()
  #posts = 0
  /** The id of what is being sent right now: a refusal that names none means it. */
  #sending: string | undefined
  #taken = 0
  #over: string | undefined

  /** @internal */
  constructor(
    options: { readonly username: string | undefined; readonly number: number },
    accept: (socket: MemorySocket) => Parameters<MemorySocket["listen"]>[0]
  ) {
    this.#username = options.username ?? "guest"
    this.#name = `${this.#username}-${options.number}`
    this.#socket = new MemorySocket({
      text: (text) => this.#take(text),
      closed: (close) => {
        this.closed = close
        this.#closing.resolve(close)
        this.#end(`The socket was closed (${close.code}${close.reason === "" ? "" : ` ${close.reason}`})`)
      }
    })
    this.#socket.listen(accept(this.#socket))
  }

  /** Messages of the room, in the order in which they came. */
  get messages(): ReadonlyArray<MessageView> {
    return this.#messages.list
  }

  /** Frames to this client alone. */
  get notices(): ReadonlyArray<SystemFrame> {
    return this.#notices.list
  }

  /** Sends a message; its position once the room's log has it. Rejects with `MessageRejected`. */
  post(message: string, options: { readonly id?: string; readonly from?: string } = {}): Promise<number> {
    const { promise, reject, resolve } = Promise.withResolvers<number>()
    const id = options.id ?? `${this.#name}-${++this.#posts}`
    const from = options.from ?? this.#username
    if (this.#over !== undefined) reject(new MessageRejected(this.#over, "closed", false))
    else {
      this.#posting.set(id, { from, resolve, reject })
      this.#sending = id
      this.send({ from, message, id })
      this.#sending = undefined
    }
    return unpunished(promise)
  }

  /** Sends a frame as it is: text, or what becomes JSON. */
  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** The next `count` messages that no earlier `receive` gave. Rejects when the socket ends before they came. */
  async receive(count: number): Promise<ReadonlyArray<MessageView>> {
    const from = this.#taken
    this.#taken += count
    await this.#messages.reach(from + count)
    return this.messages.slice(from, from + count)
  }

  /** The first `count` frames to this client alone. Rejects when the socket ends before they came. */
  async receiveNotices(count: number): Promise<ReadonlyArray<SystemFrame>> {
    await this.#notices.reach(count)
    return this.notices.slice(0, count)
  }

  /** Completes when the server closed the socket. */
  untilClosed(): Promise<SocketClose> {
    return this.#closing.promise
  }

  /** Takes nothing more from the server, pings included, as a reader that hangs, until `read`. */
  stopReading(): void {
    this.#socket.stall()
  }

  read(): void {
    this.#socket.unstall()
  }

  /** Goes away without a word. */
  drop(): void {
    this.#socket.drop()
    this.#end("The client went away")
  }

  #take(text: string): void {
    const frame: MessageView & SystemFrame = JSON.parse(text)
    if (frame.seq !== undefined) {
      this.#messages.push(frame)
      // Another author may use the same id.
      if (this.#posting.get(frame.id)?.from === frame.from) this.#settled(frame.id)?.resolve(frame.seq)
      return
    }
    this.#notices.push(frame)
    const { ack, error, message } = frame
    if (ack !== undefined) this.#settled(ack.id)?.resolve(ack.seq)
    if (error === undefined) return
    // Too fast is said before a frame is read: where it waited its turn, the frames after it are refused, too.
    const id = error.id ?? this.#sending ?? (error.code === "rate_limited" ? this.#newest() : undefined)
    this.#settled(id)?.reject(new MessageRejected(message, error.code, error.retryable))
  }

  #newest(): string | undefined {
    return Array.from(this.#posting.keys()).at(-1)
  }

  #settled(id: string | undefined): Posting | undefined {
    if (id === undefined) return undefined
    const posting = this.#posting.get(id)
    this.#posting.delete(id)
    return posting
  }

  #end(why: string): void {
    this.#over ??= why
    this.#messages.end(why)
    this.#notices.end(why)
    for (const id of Array.from(this.#posting.keys())) {
      this.#settled(id)?.reject(new MessageRejected(why, "closed", false))
    }
  }
}
