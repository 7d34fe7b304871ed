/**
 * `parley/testing`: a whole chat server in memory, without ports and on a clock that stands still until it is advanced, for the tests of whoever builds on
 * Parley.
 *
 * @example
 * const parley = await startTestServer()
 * const alice = await parley.createUser("alice_01")
 * const client = await parley.connect({ user: alice, room: "lobby" })
 * await client.post("hello")
 * console.log((await client.receive(1))[0]?.message) // "hello"
 * await parley.stop()
 */
import { Deferred, Duration, Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { layer as memoryJournal } from "./adapters/memory/Journal.ts"
import { MemorySocket } from "./adapters/memory/MemorySocket.ts"
import type { SocketClose } from "./adapters/memory/MemorySocket.ts"
import { layer as memorySessionStore } from "./adapters/memory/SessionStore.ts"
import { layer as memoryUsers } from "./adapters/memory/Users.ts"
import { ChatSockets } from "./adapters/ws/ChatSockets.ts"
import type { ChatSocketsOptions } from "./adapters/ws/ChatSockets.ts"
import { chatLayer } from "./ChatLayer.ts"
import { Auth } from "./domain/Auth.ts"
import { viewOf } from "./domain/MessageView.ts"
import type { MessageView } from "./domain/MessageView.ts"
import { defaultRoom, RoomName, Seq } from "./domain/Room.ts"
import { Sessions } from "./domain/Sessions.ts"
import { MessageHistory } from "./ports/MessageHistory.ts"

export type { MessageView } from "./domain/MessageView.ts"
export type { SocketClose } from "./adapters/memory/MemorySocket.ts"

/** Somebody with an account and an open session. */
export interface TestUser {
  readonly username: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
}

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

export interface TestServerOptions extends Partial<ChatSocketsOptions> {
  /** What the clock shows first: milliseconds since 1970 UTC. */
  readonly startAt?: number
}

export interface ConnectOptions {
  /** Nobody: a guest. */
  readonly user?: TestUser
  readonly room?: string
  /** Resume after this position. */
  readonly since?: number
  /** The last so many messages first. */
  readonly history?: number
  /** The address that limits count by. */
  readonly address?: string
}

/** A message was refused; `code` is the wire's. */
export class MessageRejected extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(frame: SystemFrame) {
    super(frame.message)
    this.name = "MessageRejected"
    this.code = frame.error?.code ?? "unknown"
    this.retryable = frame.error?.retryable ?? false
  }
}

/** Set before anything sleeps on it. It stands still as long as a test likes: no warning. */
const clockFrom = (startAt: number) =>
  Layer.effectDiscard(TestClock.setTime(startAt)).pipe(Layer.provideMerge(TestClock.layer({ warningDelay: "1 day" })))

const chat = (options: TestServerOptions) =>
  chatLayer({
    secret: Redacted.make("a secret for tests alone, 32 bytes and more"),
    accessTtlMillis: 15 * 60_000,
    refreshTtlMillis: 24 * 3_600_000,
    loginsPerMinute: 0,
    passwordCost: 4,
    sockets: { guests: "allow", messageRate: 0, messageBurst: 0, socketsPerUser: 0, socketsPerAddress: 0, ...options }
  }).pipe(
    Layer.provide(Layer.mergeAll(memoryJournal, memoryUsers, memorySessionStore)),
    Layer.provideMerge(clockFrom(options.startAt ?? Date.UTC(2026, 0, 1)))
  )

type ChatServices = Layer.Success<ReturnType<typeof chat>>

/** Starts one. Servers share nothing. */
export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const runtime = ManagedRuntime.make(chat(options))
  await runtime.context()
  return new TestServer(runtime)
}

export class TestServer {
  readonly #runtime: ManagedRuntime.ManagedRuntime<ChatServices, unknown>

  constructor(runtime: ManagedRuntime.ManagedRuntime<ChatServices, unknown>) {
    this.#runtime = runtime
  }

  /** Registers an account and logs it in. */
  createUser(username: string, password = "a password for tests"): Promise<TestUser> {
    const secret = Redacted.make(password)
    return this.#run(
      Effect.gen(function* () {
        const auth = yield* Auth
        yield* auth.register({ username, password: secret, fullName: username })
        const { tokens } = yield* auth.login({ username, password: secret, ip: "127.0.0.1" })
        return {
          username,
          password,
          token: Redacted.value(tokens.accessToken),
          refreshToken: Redacted.value(tokens.refreshToken)
        }
      })
    )
  }

  /** Ends the user's session: his sockets are closed when this answers. */
  logout(user: TestUser): Promise<void> {
    return this.#run(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.end(yield* sessions.authenticate(Redacted.make(user.token)))
      })
    )
  }

  /** A client on the classic wire. */
  connect(options: ConnectOptions = {}): Promise<TestClient> {
    return this.#run(
      Effect.gen(function* () {
        const sockets = yield* ChatSockets
        const room = yield* Schema.decodeUnknownEffect(RoomName)(options.room ?? defaultRoom)
        const since = options.since === undefined ? undefined : yield* Schema.decodeUnknownEffect(Seq)(options.since)
        return new TestClient(options.user?.username, (socket) =>
          sockets.acceptClassic(socket, {
            address: options.address ?? "127.0.0.1",
            token: options.user === undefined ? undefined : Redacted.make(options.user.token),
            room,
            since,
            epoch: undefined,
            history: options.history
          })
        )
      })
    )
  }

  /** The room's newest messages, oldest first. */
  history(room: string = defaultRoom, limit = 100): Promise<ReadonlyArray<MessageView>> {
    return this.#run(
      Effect.gen(function* () {
        const history = yield* MessageHistory
        const name = yield* Schema.decodeUnknownEffect(RoomName)(room)
        const page = yield* history.page({ room: name, limit })
        return page.entries.map((entry) => viewOf(name, entry))
      })
    )
  }

  /** Moves the clock: tokens expire, heartbeats are due, limits are free again. `"15 minutes"`, or milliseconds. */
  advance(by: Duration.Input): Promise<void> {
    return this.#runtime.runPromise(TestClock.adjust(by))
  }

  /** Closes every socket (1012) and forgets everything. */
  stop(): Promise<void> {
    return this.#runtime.dispose()
  }

  #run<A, E>(effect: Effect.Effect<A, E, ChatServices>): Promise<A> {
    return this.#runtime.runPromise(effect)
  }
}

interface Waiter<A> {
  readonly count: number
  readonly done: Deferred.Deferred<ReadonlyArray<A>>
}

/** One socket of the test server: what it got, in order. */
export class TestClient {
  /** Messages of the room, in the order in which they came. */
  readonly messages: Array<MessageView> = []
  /** Frames to this client alone. */
  readonly notices: Array<SystemFrame> = []
  /** Set once the server closed the socket. */
  closed: SocketClose | undefined
  readonly #username: string
  readonly #socket: MemorySocket
  readonly #receiving: Array<Waiter<MessageView>> = []
  readonly #noticing: Array<Waiter<SystemFrame>> = []
  readonly #posting = new Map<string, Deferred.Deferred<number, MessageRejected>>()
  readonly #closing = Deferred.makeUnsafe<SocketClose>()
  #posts = 0
  #taken = 0

  /** @internal */
  constructor(username: string | undefined, accept: (socket: MemorySocket) => Parameters<MemorySocket["listen"]>[0]) {
    this.#username = username ?? "guest"
    this.#socket = new MemorySocket({
      text: (text) => this.#take(text),
      closed: (close) => {
        this.closed = close
        Deferred.doneUnsafe(this.#closing, Effect.succeed(close))
      }
    })
    this.#socket.listen(accept(this.#socket))
  }

  /** Sends a message; its position once the room's log has it. Rejects with `MessageRejected`. */
  post(message: string, options: { readonly id?: string; readonly from?: string } = {}): Promise<number> {
    const id = options.id ?? `test-${this.#username}-${++this.#posts}`
    const done = Deferred.makeUnsafe<number, MessageRejected>()
    this.#posting.set(id, done)
    this.send({ from: options.from ?? this.#username, message, id })
    return Effect.runPromise(Deferred.await(done))
  }

  /** Sends a frame as it is: text, or what becomes JSON. */
  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** The next `count` messages that no earlier `receive` gave. */
  async receive(count: number): Promise<ReadonlyArray<MessageView>> {
    const from = this.#taken
    this.#taken += count
    await reached(this.messages, this.#receiving, from + count)
    return this.messages.slice(from, from + count)
  }

  /** The first `count` frames to this client alone. */
  async receiveNotices(count: number): Promise<ReadonlyArray<SystemFrame>> {
    await reached(this.notices, this.#noticing, count)
    return this.notices.slice(0, count)
  }

  /** Completes when the server closed the socket. */
  untilClosed(): Promise<SocketClose> {
    return Effect.runPromise(Deferred.await(this.#closing))
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
  }

  #take(text: string): void {
    const frame: MessageView & SystemFrame = JSON.parse(text)
    if (frame.seq === undefined) {
      this.notices.push(frame)
      notify(this.notices, this.#noticing)
      const id = frame.ack?.id ?? frame.error?.id
      if (frame.ack !== undefined) this.#settle(id, Effect.succeed(frame.ack.seq))
      else if (frame.error !== undefined) this.#settle(id, Effect.fail(new MessageRejected(frame)))
      return
    }
    this.messages.push(frame)
    notify(this.messages, this.#receiving)
    this.#settle(frame.id, Effect.succeed(frame.seq))
  }

  #settle(id: string | undefined, outcome: Effect.Effect<number, MessageRejected>): void {
    const posting = id === undefined ? undefined : this.#posting.get(id)
    if (posting === undefined || id === undefined) return
    this.#posting.delete(id)
    Deferred.doneUnsafe(posting, outcome)
  }
}

const reached = <A>(list: ReadonlyArray<A>, waiters: Array<Waiter<A>>, count: number): Promise<unknown> => {
  if (list.length >= count) return Promise.resolve()
  const done = Deferred.makeUnsafe<ReadonlyArray<A>>()
  waiters.push({ count, done })
  return Effect.runPromise(Deferred.await(done))
}

const notify = <A>(list: ReadonlyArray<A>, waiters: Array<Waiter<A>>): void => {
  for (const { count, done } of waiters) if (list.length >= count) Deferred.doneUnsafe(done, Effect.succeed(list))
}
