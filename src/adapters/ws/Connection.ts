// Hot path: `write` and `writable` are called once a batch and socket.
import { Effect } from "effect"
import type { Principal } from "../../domain/Account.ts"
import type { RoomName } from "../../domain/Room.ts"
import { makePermit } from "../../domain/Permit.ts"
import type { Permit } from "../../domain/Permit.ts"
import type { TraceParent } from "../http/TraceParent.ts"
import type { CloseCode } from "./CloseCode.ts"
import type { Newcomer } from "./Engine.ts"
import type { Subscription } from "./RoomChannel.ts"
import type { Transport } from "./Transport.ts"

/**
 * Past so many bytes that the kernel has not taken, a socket is not written to until it drained. At least Node's own high-water mark, or no
 * `drain` would ever come.
 */
const highWater = 256 * 1024

let numbered = 0
/** What a wire does for its sockets beside frames. */
export interface Caretaker {
  /** About once a second: by the clock that nobody sets, and by the one that tokens end by. */
  readonly lookAfter: (now: number, wallClock: number) => void
  /** A sign of life is wanted from the peer. */
  readonly ping: () => void
  /** The socket has ended, and left its rooms. */
  readonly ended: () => void
  /** By what its presence, and whoever sends it away, names the socket. */
  readonly client: string
  /** Ends its place in the room, or in all where none is named, from this side, and says so to the peer; how many it had. */
  readonly unsubscribed: (room: RoomName | undefined, why: CloseCode) => number
}

/** One socket, whatever wire it speaks. */
export class Connection {
  readonly transport: Transport
  /** The peer's address, as limits key it. */
  readonly address: string
  /** The first of its places in rooms; each knows the next. Most sockets have one. */
  subscriptions: Subscription | undefined
  /** Where the wire needs more than frames. */
  caretaker: Caretaker | undefined
  /** Who speaks; `undefined` is a guest. */
  principal: Principal | undefined
  /** The span of whoever opened the socket. */
  readonly caller: TraceParent | undefined
  /** Until when the token of its one, private room is good: milliseconds since 1970 UTC. */
  roomUntil: number | undefined
  /** The leave to speak of the session this socket belongs to. */
  readonly permit: Permit = makePermit()
  open = true
  #full = false
  /** Last sign of life, and when it was last pinged: milliseconds of the engine's clock. */
  aliveAt: number
  pingedAt: number
  /** While it is full: what was queued when it last moved, and when that was. */
  stalledAt = 0
  #stalledBytes = 0
  #onDrained: Array<() => void> = []
  /** The place that is pumped first when it has drained; the list's first where there is none. */
  #pumpFrom: Subscription | undefined
  /** Frames refused in a row because of the message rate. */
  refusedInARow = 0
  readonly openedAt: number
  /** In this process: what its log lines have in common. */
  readonly number = (numbered += 1)
  readonly #closed: (connection: Connection, code: CloseCode | undefined) => void

  constructor(
    transport: Transport,
    { address, caller }: Pick<Newcomer, "address" | "caller">,
    now: number,
    closed: (connection: Connection, code: CloseCode | undefined) => void
  ) {
    this.transport = transport
    this.address = address
    this.caller = caller
    this.openedAt = now
    this.aliveAt = now
    this.pingedAt = now
    this.#closed = closed
  }

  get writable(): boolean {
    return this.open && !this.#full
  }

  write(bytes: Uint8Array): void {
    this.transport.write(bytes)
    if (this.transport.queuedBytes() > highWater) this.#full = true
  }

  /** The kernel took everything: go on where it was left. `first` is done before the rooms fill it again. */
  drained(first?: () => void): void {
    if (!this.#full) return
    this.#full = false
    this.stalledAt = 0
    this.#tellDrained()
    first?.()
    this.#pumpAll()
  }

  /** Whoever stands behind the place that filled the socket has his turn first the next time: a busy room keeps no other waiting. */
  #pumpAll(): void {
    const from = this.#pumpFrom
    for (let place = from; place !== undefined; place = place.next) this.#pump(place)
    for (let place = this.subscriptions; place !== from && place !== undefined; place = place.next) this.#pump(place)
  }

  #pump(place: Subscription): void {
    if (!this.writable) return
    place.channel.pump(place)
    this.#pumpFrom = place.next
  }

  /** Takes a place out of its list. */
  forget(subscription: Subscription): void {
    if (this.#pumpFrom === subscription) this.#pumpFrom = subscription.next
    if (this.subscriptions === subscription) this.subscriptions = subscription.next
    for (let place = this.subscriptions; place !== undefined; place = place.next) {
      if (place.next === subscription) place.next = subscription.next
    }
  }

  /** Completes once the socket can be written to again, or is gone. */
  whenDrained(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.writable || !this.open) resume(Effect.void)
      else this.#onDrained.push(() => resume(Effect.void))
    })
  }

  #tellDrained(): void {
    const waiting = this.#onDrained
    this.#onDrained = []
    for (const tell of waiting) tell()
  }

  /** Whether a full socket has drained no byte for `limit` milliseconds. Asked about once a second. */
  isStalled(now: number, limit: number): boolean {
    if (!this.#full) return false
    const queued = this.transport.undrainedBytes()
    if (this.stalledAt === 0 || queued < this.#stalledBytes) {
      this.stalledAt = now
      this.#stalledBytes = queued
      return false
    }
    return now - this.stalledAt >= limit
  }

  /** Says why; nothing more is written, nothing more is taken from it. */
  close(code: CloseCode): void {
    if (!this.#end(code)) return
    this.transport.close(code.code, code.reason)
  }

  /** As `close`, for a peer that must not get, or cannot take, what is queued. */
  cut(code: CloseCode): void {
    if (!this.#end(code)) return
    if (this.transport.queuedBytes() > 0) this.transport.terminate()
    else this.transport.close(code.code, code.reason)
  }

  /** The transport is gone. */
  gone(): void {
    this.#end(undefined)
  }

  #end(code: CloseCode | undefined): boolean {
    if (!this.open) return false
    this.open = false
    for (let place = this.subscriptions; place !== undefined; place = place.next) place.channel.leave(place)
    this.#closed(this, code)
    this.#tellDrained()
    return true
  }
}
