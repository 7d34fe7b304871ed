// Hot path: `frame` is called once a message.
import { Effect, Redacted } from "effect"
import type { Waiting } from "../../../domain/ChatRoom.ts"
import { countRejected } from "../../../domain/EngineStats.ts"
import { unavailable } from "../../../domain/Rejection.ts"
import type { Rejection } from "../../../domain/Rejection.ts"
import type { Permit } from "../../../domain/Permit.ts"
import type { RoomName, Seq } from "../../../domain/Room.ts"
import type { Author, ClientId } from "../../../domain/RoomEvent.ts"
import type { Engine, Opening } from "../Engine.ts"
import type { CloseCode } from "../CloseCode.ts"
import { rateLimited } from "../CloseCode.ts"
import type { Connection } from "../Connection.ts"
import { frameOf } from "../Frames.ts"
import type { TransportEvents } from "../Transport.ts"
import { decodeFrame } from "./ClassicFrame.ts"
import type { ClassicFrame } from "./ClassicFrame.ts"

/** A frame past this is refused with an error; far past it the socket ends with 1009. Bytes. */
const maxFrameBytes = 16 * 1024

/** Pings and pongs a second of one socket; one more closes it as rate limited. A client sends one in many seconds. */
const maxControlsASecond = 20

/** Frames refused in a row after which a socket is closed as rate limited. */
const maxRefusedInARow = 100

const binaryFrame: Rejection = {
  code: "binary_frame",
  message: "Binary frames are not understood here: send text frames of JSON.",
  retryable: false
}

const frameTooLarge: Rejection = {
  code: "frame_too_large",
  message: "This frame is larger than 16 KiB: send a shorter message.",
  retryable: false
}

const fromMissing: Rejection = {
  code: "bad_frame",
  message:
    'This frame is not {"from": "…", "message": "…", "date": "…"}: from: Missing key (only who is logged in may leave it out).',
  retryable: false
}

const loginFirst: Rejection = {
  code: "forbidden",
  message: 'Guests may not speak here: send {"type": "auth", "token": "…"} first.',
  retryable: false
}

/** The seed's wire on one socket: `{"from","message","date"}` both ways. */
export class ClassicSession implements TransportEvents {
  readonly #connection: Connection
  readonly #engine: Engine
  /** Pings and pongs since the second began that began at `#controlsSince`. */
  #controls = 0
  #controlsSince = 0
  /** Until the socket follows its room: the token it may hold is worth half a kilobyte a socket. */
  #opening: Opening | undefined
  readonly #room: RoomName
  /** Something must be answered first: frames that were read already wait, no more of them are read. */
  #busy = false
  #waiting: Array<{ readonly data: Uint8Array; readonly isBinary: boolean }> = []
  #account: { readonly author: Author; readonly key: string } | undefined
  readonly #guestKey: string
  /** The sender of the last guest's name: mostly the only one. */
  #guest: GuestSender | undefined

  constructor(connection: Connection, engine: Engine, opening: Opening) {
    this.#connection = connection
    this.#engine = engine
    this.#opening = opening
    this.#room = opening.room
    this.#guestKey = `guest ${opening.address}`
  }

  start(): void {
    const token = this.#opening?.token
    const pending = token === undefined ? this.#follow() : this.#signIn(token)
    if (pending !== undefined) this.#meanwhile(pending)
  }

  frame(data: Uint8Array, isBinary: boolean): void {
    if (!this.#connection.open) return
    if (this.#busy) {
      // Bounded: at most what one read of the kernel brought, since nothing more is read.
      this.#waiting.push({ data, isBinary })
      return
    }
    const { rate, now } = this.#engine
    const at = now()
    this.#connection.aliveAt = at
    const wait = rate.take(this.#account?.key ?? this.#guestKey, at)
    if (wait > 0) return this.#slowDown(wait)
    this.#connection.refusedInARow = 0
    if (isBinary) return this.#reject(undefined, binaryFrame)
    if (data.length > maxFrameBytes) return this.#reject(undefined, frameTooLarge)
    this.#take(decodeFrame(text(data)), data.length)
  }

  alive(): void {
    const at = this.#engine.now()
    this.#connection.aliveAt = at
    if (at - this.#controlsSince >= 1_000) {
      this.#controlsSince = at
      this.#controls = 0
    }
    this.#controls += 1
    if (this.#controls <= maxControlsASecond || !this.#connection.open) return
    this.#engine.limits.hit("control_frames", this.#account?.author.name ?? this.#connection.address)
    this.#connection.close(rateLimited)
  }

  drained(): void {
    this.#connection.drained()
  }

  closed(): void {
    this.#connection.gone()
  }

  accepted(): void {
    // Its own copy is the acknowledgement.
  }

  repeated(id: ClientId, seq: Seq): void {
    this.#system({ message: "This message was stored before.", ack: { id, seq } })
  }

  rejected(id: ClientId | undefined, rejection: Rejection): void {
    const { code, message, retryAfterMs, retryable } = rejection
    this.#system({ message, error: { code, retryable, retryAfterMs, id } })
  }

  get permit(): Permit {
    return this.#connection.permit
  }

  #take(frame: ClassicFrame, size: number): void {
    if (frame._tag === "Bad") return this.#reject(frame.id, frame.rejection)
    if (frame._tag === "Auth") return this.#meanwhile(this.#signIn(Redacted.make(frame.token)))
    const { from, id, message } = frame.frame
    if (this.#account !== undefined) {
      return this.#offer({ sender: this, author: this.#account.author, payload: { message }, id, size })
    }
    if (this.#engine.guests === "deny") return this.#reject(id, loginFirst)
    if (from === undefined) return this.#reject(id, fromMissing)
    const permit = this.#engine.names.known(from)
    if (permit !== undefined) {
      const sender = this.#guestSender(from, permit)
      return this.#offer({ sender, author: sender.author, payload: { message }, id, size })
    }
    this.#meanwhile(this.#askName(from, id, message, size))
  }

  /** A name that is not known to be free: the user store is asked. */
  #askName(from: string, id: ClientId | undefined, message: string, size: number): Effect.Effect<void> {
    return this.#engine.names.permit(from).pipe(
      Effect.map((permit) => {
        if (permit.revoked !== undefined) return this.#reject(id, permit.revoked)
        const sender = this.#guestSender(from, permit)
        this.#offer({ sender, author: sender.author, payload: { message }, id, size })
      }),
      Effect.catch(() => Effect.sync(() => this.#reject(id, { ...unavailable, message: nameUnchecked })))
    )
  }

  #guestSender(name: string, permit: Permit): GuestSender {
    if (this.#guest === undefined || this.#guest.author.name !== name || this.#guest.permit !== permit) {
      this.#guest = new GuestSender(this, name, permit)
    }
    return this.#guest
  }

  #offer(waiting: Waiting): void {
    const rejection = this.#engine.registry.offer(
      this.#room,
      this.#engine.traced(waiting, this.#room, this.#connection)
    )
    if (rejection !== undefined) this.#reject(waiting.id, rejection)
  }

  #reject(id: ClientId | undefined, rejection: Rejection): void {
    countRejected(this.#engine.stats, rejection.code)
    this.rejected(id, rejection)
  }

  #slowDown(wait: number): void {
    this.#engine.limits.hit("messages", this.#account?.author.name ?? this.#connection.address)
    this.#connection.refusedInARow += 1
    if (this.#connection.refusedInARow > maxRefusedInARow) return this.#connection.close(rateLimited)
    this.#reject(undefined, {
      code: "rate_limited",
      message: `Too many messages: send this one again in ${wait} ms.`,
      retryable: true,
      retryAfterMs: wait
    })
  }

  /** Runs what must be done before the next frame is looked at. */
  #meanwhile(effect: Effect.Effect<void>): void {
    this.#busy = true
    this.#connection.transport.pause()
    this.#engine.fork(
      Effect.ensuring(
        effect,
        Effect.sync(() => this.#goOn())
      )
    )
  }

  #goOn(): void {
    this.#busy = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const { data, isBinary } of waiting) this.frame(data, isBinary)
    if (!this.#busy && this.#connection.open) this.#connection.transport.resume()
  }

  #signIn(token: Redacted.Redacted<string>): Effect.Effect<void> {
    return this.#engine.authenticate(this.#connection, token).pipe(
      Effect.flatMap((refused) => {
        const { open, principal } = this.#connection
        if (refused !== undefined) return Effect.sync(() => this.#connection.close(refused))
        if (!open || principal === undefined) return Effect.void
        const byFrame = token !== this.#opening?.token
        this.#account = { author: { kind: "account", name: principal.username }, key: `user ${principal.userId}` }
        if (byFrame) {
          const expires = new Date(principal.expiresAt).toISOString()
          this.#system({
            message: `You are logged in as ${principal.username}.`,
            auth: { username: principal.username, expires }
          })
        }
        return this.#follow() ?? Effect.void
      })
    )
  }

  /** Into the room, once there is somebody who may read it; the effect is what of it cannot be done now. */
  #follow(): Effect.Effect<void> | undefined {
    const opening = this.#opening
    const guest = this.#connection.principal === undefined
    if (opening === undefined || (guest && this.#engine.guests === "deny")) return undefined
    this.#opening = undefined
    const { epoch, history, roomToken, since } = opening
    const from = (head: Seq): number => {
      if (since !== undefined) {
        if (since <= head && (epoch === undefined || epoch === this.#engine.epoch)) return since
        this.#positionUnknown(head)
      }
      return Math.max(0, head - (history ?? 0))
    }
    const closeIfRefused = (refused: CloseCode | undefined): void => {
      if (refused !== undefined) this.#connection.close(refused)
    }
    const following = this.#engine.follow(this.#connection, this.#room, from, roomToken)
    if (Effect.isEffect(following)) return Effect.map(following, closeIfRefused)
    closeIfRefused(following)
    return undefined
  }

  #positionUnknown(head: Seq): void {
    this.#system({
      message: `The position to resume from is not in this room's log, whose last is ${head}: read the history again.`,
      error: { code: "position_unknown", retryable: false, head, epoch: this.#engine.epoch }
    })
  }

  /** To this socket alone, as a message that a client of the seed can print. */
  #system(fields: { readonly message: string } & Record<string, unknown>): void {
    if (!this.#connection.open) return
    const date = new Date(this.#engine.wallClock()).toISOString()
    const { message, ...rest } = fields
    this.#connection.write(frameOf(JSON.stringify({ from: "system", message, date, ...rest })))
    // Whoever asks for more answers than he reads is not read from until he does: what is queued stays bounded.
    if (!this.#connection.writable && !this.#busy) this.#meanwhile(this.#connection.whenDrained())
  }
}

const nameUnchecked = "It cannot be checked now whether this name belongs to an account: send it again in a moment."

/** A guest under one of the names he uses. */
class GuestSender {
  readonly author: Author
  readonly permit: Permit
  readonly #session: ClassicSession

  constructor(session: ClassicSession, name: string, permit: Permit) {
    this.#session = session
    this.author = { kind: "guest", name }
    this.permit = permit
  }

  accepted(): void {
    this.#session.accepted()
  }

  repeated(id: ClientId, seq: Seq): void {
    this.#session.repeated(id, seq)
  }

  rejected(id: ClientId | undefined, rejection: Rejection): void {
    this.#session.rejected(id, rejection)
  }
}

const decoder = new TextDecoder()

/** `ws` has checked that it is UTF-8. */
const text = (data: Uint8Array): string => (data instanceof Buffer ? data.toString("utf8") : decoder.decode(data))
