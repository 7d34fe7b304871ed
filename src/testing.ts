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
import { Duration, Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { MinimumLogLevel } from "effect/References"
import { TestClock } from "effect/testing"
import { layer as memoryJournal } from "./adapters/memory/Journal.ts"
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
import { TestClient } from "./TestClient.ts"

export type { MessageView } from "./domain/MessageView.ts"
export type { SocketClose } from "./adapters/memory/MemorySocket.ts"
export { MessageRejected } from "./TestClient.ts"
export type { SystemFrame, TestClient } from "./TestClient.ts"

/** Somebody with an account and an open session. */
export interface TestUser {
  readonly username: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
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
    // Whoever tests sees what went wrong, and no line for each socket.
    Layer.provideMerge(Layer.succeed(MinimumLogLevel, "Warn")),
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
  #clients = 0

  constructor(runtime: ManagedRuntime.ManagedRuntime<ChatServices, unknown>) {
    this.#runtime = runtime
  }

  /** Registers an account and logs it in. */
  async createUser(username: string, password = "a password for tests"): Promise<TestUser> {
    await this.#run(
      Effect.flatMap(Auth, (auth) => auth.register({ username, password: Redacted.make(password), fullName: username }))
    )
    return this.login({ username, password })
  }

  /** A session more for somebody with an account: tokens that are as old as the clock. */
  login({ password, username }: Pick<TestUser, "username" | "password">): Promise<TestUser> {
    return this.#run(
      Effect.gen(function* () {
        const auth = yield* Auth
        const { tokens } = yield* auth.login({ username, password: Redacted.make(password), ip: "127.0.0.1" })
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
    const client = { username: options.user?.username, number: ++this.#clients }
    return this.#run(
      Effect.gen(function* () {
        const sockets = yield* ChatSockets
        const room = yield* Schema.decodeUnknownEffect(RoomName)(options.room ?? defaultRoom)
        const since = options.since === undefined ? undefined : yield* Schema.decodeUnknownEffect(Seq)(options.since)
        return new TestClient(client, (socket) =>
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
