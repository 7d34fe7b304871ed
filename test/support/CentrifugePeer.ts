import { Duration, Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { MinimumLogLevel } from "effect/References"
import { TestClock } from "effect/testing"
import { MemorySocket } from "../../src/adapters/memory/MemorySocket.ts"
import type { SocketClose } from "../../src/adapters/memory/MemorySocket.ts"
import { jsonCodec } from "../../src/adapters/ws/centrifuge/JsonCodec.ts"
import { ChatSockets } from "../../src/adapters/ws/ChatSockets.ts"
import type { ChatSocketsOptions } from "../../src/adapters/ws/ChatSockets.ts"
import { chatLayer } from "../../src/ChatLayer.ts"
import { Auth } from "../../src/domain/Auth.ts"
import { Sessions } from "../../src/domain/Sessions.ts"
import { memoryChatOptions, memoryStores } from "./MemoryChat.ts"
import { subscriptionToken } from "./SubscriptionToken.ts"

export type Value = Readonly<Record<string, unknown>>

/** What came over one socket, value by value. */
export class Answers {
  readonly came: Array<Value> = []
  readonly #waiting = new Set<() => void>()

  /** The text of a frame. */
  take(text: string): void {
    for (const line of text.split("\n")) this.came.push(JSON.parse(line))
    this.look()
  }

  look(): void {
    for (const look of this.#waiting) look()
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((done) => {
      const look = (): void => {
        if (!condition()) return
        this.#waiting.delete(look)
        done()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The first value that is like this; waits for it. */
  async gets(isIt: (value: Value) => boolean): Promise<Value> {
    await this.until(() => this.came.some(isIt))
    return this.came.find(isIt) ?? {}
  }
}

const startAt = Date.UTC(2026, 0, 1)

const layerOf = (options: Partial<ChatSocketsOptions>) =>
  chatLayer({
    ...memoryChatOptions,
    accessTtlMillis: 60_000,
    refreshTtlMillis: 3_600_000,
    sockets: { ...memoryChatOptions.sockets, ...options }
  }).pipe(
    Layer.provide(memoryStores),
    Layer.provideMerge(Layer.succeed(MinimumLogLevel, "Error")),
    Layer.provideMerge(
      Layer.effectDiscard(TestClock.setTime(startAt)).pipe(
        Layer.provideMerge(TestClock.layer({ warningDelay: "1 day" }))
      )
    )
  )

/** A server without ports, on a clock that stands still: access tokens are good for a minute. */
export class MemoryServer {
  readonly #runtime: ManagedRuntime.ManagedRuntime<Layer.Success<ReturnType<typeof layerOf>>, unknown>
  #elapsed = 0

  constructor(options: Partial<ChatSocketsOptions> = {}) {
    this.#runtime = ManagedRuntime.make(layerOf(options))
  }

  /** An account, and a first session. */
  async register(username: string) {
    const password = Redacted.make("a password for tests")
    await this.#runtime.runPromise(
      Effect.flatMap(Auth, (auth) => auth.register({ username, password, fullName: username }))
    )
    return this.login(username)
  }

  login(username: string): Promise<string> {
    return this.#runtime.runPromise(
      Effect.gen(function* () {
        const auth = yield* Auth
        const { tokens } = yield* auth.login({ username, password: Redacted.make("a password for tests"), ip: "::1" })
        return Redacted.value(tokens.accessToken)
      })
    )
  }

  logout(token: string): Promise<void> {
    return this.#runtime.runPromise(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.end(yield* sessions.authenticate(Redacted.make(token)))
      })
    )
  }

  /** A subscription token, good for so many seconds from now. */
  tokenFor(channel: string, seconds: number, sub = ""): string {
    return subscriptionToken({ sub, channel, exp: (startAt + this.#elapsed) / 1_000 + seconds })
  }

  /** A socket of Centrifugo's protocol in JSON that has said nothing. */
  open(address = "127.0.0.1"): Promise<MemoryPeer> {
    return this.#runtime.runPromise(
      Effect.map(
        ChatSockets,
        (sockets) =>
          new MemoryPeer((socket) => sockets.acceptCentrifuge(socket, { address, codec: jsonCodec, token: undefined }))
      )
    )
  }

  async connect(token?: string): Promise<MemoryPeer> {
    const peer = await this.open()
    await peer.asks({ id: 1, connect: token === undefined ? {} : { token } })
    return peer
  }

  advance(by: Duration.Input): Promise<void> {
    this.#elapsed += Duration.toMillis(Duration.fromInputUnsafe(by))
    return this.#runtime.runPromise(TestClock.adjust(by))
  }

  stop(): Promise<void> {
    return this.#runtime.dispose()
  }
}

/** One socket in memory. */
export class MemoryPeer extends Answers {
  readonly socket: MemorySocket
  /** The same as it was cut into frames. */
  readonly frames: Array<string> = []
  closed: SocketClose | undefined

  constructor(accept: (socket: MemorySocket) => Parameters<MemorySocket["listen"]>[0]) {
    super()
    this.socket = new MemorySocket({
      text: (text) => {
        this.frames.push(text)
        this.take(text)
        // A sign of life for a sign of life.
        if (text === "{}") this.send({})
      },
      closed: (close) => {
        this.closed = close
        this.look()
      }
    })
    this.socket.listen(accept(this.socket))
  }

  send(...commands: ReadonlyArray<object>): void {
    this.socket.send(commands.map((command) => JSON.stringify(command)).join("\n"))
  }

  asks(command: { readonly id: number } & Value): Promise<Value> {
    this.send(command)
    return this.gets(({ id }) => id === command.id)
  }

  /** The code that the server closed it with; waits for it. */
  async end(): Promise<number> {
    await this.until(() => this.closed !== undefined)
    return this.closed?.code ?? 0
  }
}
