import { randomUUID } from "node:crypto"
import { Effect, Exit, Redacted, Schema } from "effect"
import type { Sender } from "../../../domain/ChatRoom.ts"
import type { Permit } from "../../../domain/Permit.ts"
import { countRejected } from "../../../domain/EngineStats.ts"
import { unavailable } from "../../../domain/Rejection.ts"
import type { Rejection, RejectionCode } from "../../../domain/Rejection.ts"
import { RoomName } from "../../../domain/Room.ts"
import type { Author, ClientId } from "../../../domain/RoomEvent.ts"
import * as Close from "../CloseCode.ts"
import type { Caretaker, Connection } from "../Connection.ts"
import type { ManyRooms, Newcomer } from "../Engine.ts"
import type { TransportEvents } from "../Transport.ts"
import type { Codec } from "./Codec.ts"
import { publishedOf } from "./Data.ts"
import type { Published } from "./Data.ts"
import * as Limits from "./Limits.ts"
import { Places } from "./Places.ts"
import type { Presence } from "./Presence.ts"
import * as Protocol from "./Protocol.ts"
import type { Command, Outgoing, Request, Requests, WireError } from "./Protocol.ts"
import { answerRpc } from "./Rpc.ts"

/** What the handshake, or the harness, knows of a newcomer. Its token is for where the connect command brings none. */
export interface CentrifugeOpening extends Newcomer {
  readonly codec: Codec
}

/** A reply in its turn: `message` is missing until the command is settled. */
interface Slot {
  readonly id: number
  message: Outgoing | undefined
}

const decodeRoom = Schema.decodeUnknownExit(RoomName)
const badChannel = Protocol.badRequest("channel: expected 1–64 letters, digits or _ . : -, optionally after a $")

/** What a command comes to: its result by its method's name, or why not. */
export type Answer = { readonly result: Outgoing } | { readonly error: WireError }

/**
 * Centrifugo's client protocol on one socket. Commands are begun and answered in order; publications follow each other on their way to the log, any other command waits until those
 * before it are answered.
 */
export class CentrifugeSession implements TransportEvents, Caretaker {
  readonly client = randomUUID()
  readonly #connection: Connection
  readonly #engine: ManyRooms
  readonly #codec: Codec
  readonly #opening: CentrifugeOpening
  readonly #places: Places
  #connected = false
  #waiting: Array<Command> = []
  /** Replies that are not written yet, oldest first. */
  #slots: Array<Slot> = []
  /** Of those, how many are not settled. */
  #unsettled = 0
  /** A command that the next one waits for. */
  #busy = false
  #paused = false
  #flushing = false
  /** The channel that was named last, mostly the only one, and its room. */
  #lastChannel: string | undefined
  #lastRoom: RoomName | undefined
  /** Under which name a guest speaks who names none in what he publishes. */
  #guestName: string

  constructor(connection: Connection, engine: ManyRooms, presence: Presence, opening: CentrifugeOpening) {
    this.#connection = connection
    this.#engine = engine
    this.#codec = opening.codec
    this.#opening = opening
    this.#places = new Places(connection, engine, presence, opening.codec, this)
    this.#guestName = `guest-${this.client.slice(0, 8)}`
    connection.caretaker = this
  }

  frame(data: Uint8Array, isBinary: boolean): void {
    if (!this.#connection.open) return
    this.#connection.aliveAt = this.#engine.now()
    const { wireLimits } = this.#engine
    if (data.length > wireLimits.frameBytes) return this.#connection.close(Close.frameTooLarge)
    const values = isBinary === this.#codec.isBinary ? this.#codec.decode(data) : unreadable
    // The end comes in its turn: what stands before it is answered. Of too many commands none is carried out.
    for (const value of values.length > wireLimits.commandsAFrame ? unreadable : values) {
      this.#waiting.push(commandIn(value))
    }
    this.#goOn()
  }

  alive(): void {
    this.#connection.aliveAt = this.#engine.now()
  }

  drained(): void {
    // Before the rooms fill the socket again: commands of somebody who keeps up with a busy room have their turn, too.
    this.#connection.drained(() => this.#goOn())
    this.#goOn()
  }

  closed(): void {
    this.#connection.gone()
  }

  ended(): void {
    this.#waiting = []
    this.#slots = []
    this.#places.leaveAll()
  }

  ping(): void {
    if (this.#connected && this.#connection.writable) this.#connection.write(this.#codec.encode([{}]))
  }

  lookAfter(now: number, wallClock: number): void {
    if (!this.#connected && now - this.#connection.openedAt >= Limits.connectWithinMillis) {
      this.#connection.close(Close.stale)
    } else this.#places.lookAfter(wallClock)
  }

  unsubscribed(room: RoomName | undefined, { code, reason }: Close.CloseCode): number {
    const rooms = room === undefined ? this.#places.rooms : [room]
    return rooms.filter((name) => this.#places.end(name, code, reason)).length
  }

  /** Replies that are due, and then these: what is pushed never overtakes a reply. */
  write(messages: ReadonlyArray<Outgoing>): void {
    if (!this.#connection.open) return
    const due = this.#due()
    if (due.length + messages.length > 0) this.#connection.write(this.#codec.encode([...due, ...messages]))
  }

  /** As many commands as may begin now. More is read from the peer once they all have. */
  #goOn(): void {
    while (this.#connection.open && this.#mayBegin()) {
      const command = this.#waiting.shift()
      if (command !== undefined) this.#begin(command)
    }
    this.#keepReading(this.#waiting.length === 0)
  }

  #mayBegin(): boolean {
    const [next] = this.#waiting
    if (next === undefined || this.#busy || !this.#connection.writable) return false
    if (next._tag === "Pong") return true
    // What was answered at once goes out together, a bounded number of answers.
    if (this.#unsettled === 0 && this.#slots.length < Limits.maxRepliesAWrite) return true
    const isPublish = next._tag === "Command" && next.request.method === "publish"
    return isPublish && this.#slots.length < Limits.maxInFlight
  }

  #keepReading(wanted: boolean): void {
    if (wanted !== this.#paused || !this.#connection.open) return
    this.#paused = !wanted
    if (wanted) this.#connection.transport.resume()
    else this.#connection.transport.pause()
  }

  #begin(command: Command): void {
    if (command._tag === "Pong") return
    if (command._tag === "Garbage") return this.#end()
    const slot: Slot = { id: command.id, message: undefined }
    // Before it has connected a client can do nothing, and it connects once.
    const isConnect = command._tag === "Command" && command.request.method === "connect"
    if (isConnect === this.#connected) return this.#end()
    if (slot.id > 0) {
      this.#slots.push(slot)
      this.#unsettled += 1
    }
    if (command._tag === "Wrong") return this.#fail(slot, command.error)
    if (command.request.method === "publish") return this.#publish(slot, command.request.params)
    const answer = this.#answer(command.request)
    if (Effect.isEffect(answer)) return this.#meanwhile(Effect.map(answer, (a) => this.#settle(slot, command, a)))
    this.#settle(slot, command, answer)
  }

  /** For good, after the answers to what came before. */
  #end(): void {
    this.write([])
    this.#connection.close(Close.badRequest)
  }

  #settle(slot: Slot, { request }: { readonly request: Request }, answer: Answer): void {
    if ("error" in answer) this.#fail(slot, answer.error)
    else this.#reply(slot, { [request.method]: answer.result })
    // What was subscribed to goes out behind the reply.
    if (request.method === "subscribe" && "result" in answer) this.#places.open(request.params.channel)
  }

  #answer(request: Request): Answer | Effect.Effect<Answer> {
    switch (request.method) {
      case "connect":
        return this.#connect(request.params)
      case "refresh":
        return this.#refresh(Redacted.make(request.params.token))
      case "ping":
        return { result: {} }
      case "send":
        // Nobody listens for them here; they count, so that nobody floods.
        this.#engine.rate.take(this.#rateKey(), this.#engine.now())
        return { result: {} }
      case "rpc": {
        const limited = this.#limited()
        return limited === undefined ? answerRpc(request.params, this.#places) : { error: limited }
      }
      case "publish":
        return { error: Protocol.internal }
      default:
        return this.#inRoom(request)
    }
  }

  #inRoom(
    request: Exclude<Request, { readonly method: "connect" | "refresh" | "ping" | "send" | "rpc" | "publish" }>
  ): Answer | Effect.Effect<Answer> {
    const room = this.#roomOf(request.params.channel)
    if (room === undefined) return { error: badChannel }
    switch (request.method) {
      case "subscribe":
        return this.#places.subscribe(room, request.params)
      case "unsubscribe":
        this.#places.leave(room)
        return { result: {} }
      case "history":
        return this.#places.history(room, request.params)
      case "presence":
        return this.#places.presence(room)
      case "presence_stats":
        return this.#places.presenceStats(room)
      default:
        return this.#places.refresh(room, Redacted.make(request.params.token))
    }
  }

  #roomOf(channel: string): RoomName | undefined {
    if (channel === this.#lastChannel) return this.#lastRoom
    this.#lastChannel = channel
    this.#lastRoom = channel.length > this.#engine.wireLimits.channelName ? undefined : roomOf(channel)
    return this.#lastRoom
  }

  #connect({ token }: Requests["connect"]): Answer | Effect.Effect<Answer> {
    const shown = token === undefined || token === "" ? this.#opening.token : Redacted.make(token)
    if (shown !== undefined) return this.#authenticate(shown)
    if (this.#engine.guests === "deny") return { error: Protocol.unauthorized }
    return this.#welcome()
  }

  #refresh(token: Redacted.Redacted<string>): Answer | Effect.Effect<Answer> {
    return this.#connection.principal === undefined
      ? { error: Protocol.badRequest("a guest has no token to refresh: connect with one") }
      : this.#authenticate(token)
  }

  #authenticate(token: Redacted.Redacted<string>): Effect.Effect<Answer> {
    return this.#engine.authenticate(this.#connection, token).pipe(
      Effect.map((refused): Answer => {
        if (refused === undefined) return this.#welcome()
        // The client gets itself a fresh token and tries again.
        if (refused === Close.tokenExpired) return { error: Protocol.tokenExpired }
        if (refused === Close.overloaded) return { error: Protocol.internal }
        this.#connection.close(refused)
        return { error: Protocol.unauthorized }
      })
    )
  }

  #welcome(): Answer {
    const { principal } = this.#connection
    const isNew = !this.#connected
    this.#connected = true
    const left = principal === undefined ? undefined : principal.expiresAt - this.#engine.wallClock()
    return {
      result: {
        client: this.client,
        version: "parley",
        ...(left === undefined ? undefined : { expires: true, ttl: secondsUntilRefresh(left) }),
        ...(isNew ? { ping: Limits.pingSeconds, pong: true } : undefined)
      }
    }
  }

  get user(): string {
    return this.#connection.principal?.username ?? ""
  }

  #rateKey(): string {
    const { principal } = this.#connection
    // The classic wire's keys: who speaks on both is one.
    return principal === undefined ? `guest ${this.#opening.address}` : `user ${principal.userId}`
  }

  #limited(): WireError | undefined {
    const wait = this.#engine.rate.take(this.#rateKey(), this.#engine.now())
    if (wait === 0) {
      this.#connection.refusedInARow = 0
      return undefined
    }
    countRejected(this.#engine.stats, "rate_limited")
    this.#engine.limits.hit("messages", this.#rateKey())
    this.#connection.refusedInARow += 1
    if (this.#connection.refusedInARow > Limits.maxRefusedInARow) this.#connection.close(Close.rateLimited)
    return { code: 111, message: `too many requests: try again in ${wait} ms`, temporary: true }
  }

  #publish(slot: Slot, { channel, data }: Requests["publish"]): void {
    const room = this.#roomOf(channel)
    if (room === undefined) return this.#refuse(slot, badChannel, "bad_frame")
    const limited = this.#limited()
    if (limited !== undefined) return this.#fail(slot, limited)
    if (!this.#places.mayUse(room)) return this.#refuse(slot, Protocol.permissionDenied, "forbidden")
    const published = publishedOf(data)
    if (typeof published === "string") return this.#refuse(slot, Protocol.badRequest(published), "bad_frame")
    const size = Buffer.byteLength(JSON.stringify(published.payload))
    if (size > Limits.maxDataBytes) return this.#refuse(slot, Protocol.limitExceeded, "frame_too_large")
    const { permit, principal } = this.#connection
    if (principal !== undefined) {
      return this.#offer(slot, room, published, { kind: "account", name: principal.username }, permit, size)
    }
    const name = published.from ?? this.#guestName
    const offer = (permit: Permit) => this.#offer(slot, room, published, { kind: "guest", name }, permit, size)
    const known = this.#engine.names.known(name)
    if (known !== undefined) return offer(known)
    this.#meanwhile(
      this.#engine.names.permit(name).pipe(
        Effect.map((permit) => (permit.revoked === undefined ? offer(permit) : this.#reject(slot, permit.revoked))),
        Effect.catch(() => Effect.sync(() => this.#reject(slot, unavailable)))
      )
    )
  }

  #offer(slot: Slot, room: RoomName, { id, payload }: Published, author: Author, permit: Permit, size: number): void {
    const sender = new Publisher(permit, (error) => this.#published(slot, error))
    const { registry, traced } = this.#engine
    const waiting = traced({ sender, author, payload, id, size }, room, this.#connection)
    const rejection = registry.offer(room, waiting)
    if (rejection !== undefined) this.#reject(slot, rejection)
  }

  #published(slot: Slot, error: WireError | undefined): void {
    // Of an outcome that was unknown its sender was told; what it came to is in the room.
    if (slot.message !== undefined) return
    if (error === undefined) this.#reply(slot, { publish: {} })
    else this.#fail(slot, error)
  }

  #reject(slot: Slot, rejection: Rejection): void {
    this.#refuse(slot, Protocol.errorOf(rejection), rejection.code)
  }

  #refuse(slot: Slot, error: WireError, code: RejectionCode): void {
    countRejected(this.#engine.stats, code)
    this.#fail(slot, error)
  }

  #fail(slot: Slot, error: WireError): void {
    this.#reply(slot, { error })
  }

  #reply(slot: Slot, message: Outgoing): void {
    if (slot.message === undefined && slot.id > 0) this.#unsettled -= 1
    slot.message = { id: slot.id, ...message }
    if (this.#flushing || !this.#connection.open) return
    // What is settled together, by one commit or out of one frame, is one write.
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.write([])
      this.#goOn()
    })
  }

  #due(): ReadonlyArray<Outgoing> {
    const due: Array<Outgoing> = []
    for (const { message } of this.#slots) {
      if (message === undefined) break
      due.push(message)
    }
    this.#slots = this.#slots.slice(due.length)
    return due
  }

  /** Runs what must be done before the next command begins. */
  #meanwhile(effect: Effect.Effect<void>): void {
    this.#busy = true
    this.#engine.fork(
      Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.#busy = false
          // What was read for it may be large: it leaves before more is read.
          this.write([])
          this.#goOn()
        })
      )
    )
  }
}

/** A frame of which nothing can be carried out. */
const unreadable: ReadonlyArray<unknown> = [undefined]

/** A command. One that is wrong is read once more as Centrifugo reads it: null is a field that was left out. */
const commandIn = (value: unknown): Command => {
  const command = Protocol.commandOf(value)
  if (command._tag !== "Wrong") return command
  const lenient = Protocol.commandOf(withoutNulls(value, commandDepth))
  return lenient._tag === "Command" ? lenient : command
}

/** A command, its fields, and the position in one of them. */
const commandDepth = 3

/** Data are left as they are: there null is a value. */
const withoutNulls = (value: unknown, depth: number): unknown => {
  if (depth === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]): ReadonlyArray<readonly [string, unknown]> => {
      if (name === "data") return [[name, field]]
      return field === null ? [] : [[name, withoutNulls(field, depth - 1)]]
    })
  )
}

const roomOf = (channel: string): RoomName | undefined => {
  const room = decodeRoom(channel)
  return Exit.isSuccess(room) ? room.value : undefined
}

/** A client is asked a little early, so that the old token does not end first. At least a second: 0 would be no limit. */
const secondsUntilRefresh = (left: number): number =>
  Math.max(1, Math.floor((left - Math.min(Limits.refreshAheadMillis, left / 2)) / 1_000))

/** Hears what came of one publication. */
class Publisher implements Sender {
  readonly permit: Permit
  readonly #settled: (error: WireError | undefined) => void

  constructor(permit: Permit, settled: (error: WireError | undefined) => void) {
    this.permit = permit
    this.#settled = settled
  }

  accepted(): void {
    this.#settled(undefined)
  }

  repeated(): void {
    this.#settled(undefined)
  }

  rejected(_id: ClientId | undefined, rejection: Rejection): void {
    this.#settled(Protocol.errorOf(rejection))
  }
}
