// Hot path: a committed batch to every socket of a room. One buffer a batch, one write a socket, no queue a socket: whoever is not ready keeps his
// cursor and is served from the tail, or from the journal, when he is.
import type { ChatRoom, Follower } from "../../domain/ChatRoom.ts"
import type { EngineStats } from "../../domain/EngineStats.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import type { CommittedBatch, EncodedBatch, WireFormat } from "../../domain/RoomTail.ts"
import { restart } from "./CloseCode.ts"
import type { Connection } from "./Connection.ts"

/** One socket's place in one room. */
export class Subscription {
  readonly connection: Connection
  readonly channel: RoomChannel
  /** The position up to which the socket was written to. */
  cursor: number
  /** A page of the journal is on its way: nothing else is written until it came. */
  catchingUp = false
  /** Where it stands among the channel's members. */
  index: number
  /** The same socket's next place, in another room. */
  next: Subscription | undefined

  constructor(connection: Connection, channel: RoomChannel, cursor: number, index: number) {
    this.connection = connection
    this.channel = channel
    this.cursor = cursor
    this.index = index
    this.next = undefined
  }

  /** Whether the socket has still this place. */
  get held(): boolean {
    return this.connection.open && this.channel.holds(this)
  }
}

/** Entries of a page that a socket behind the tail gets from the journal. */
export const catchUpPage = 128

export interface RoomChannelContext {
  readonly wire: WireFormat
  readonly stats: EngineStats["Service"]
  /** Reads the page after the subscription's cursor and hands it to `page`; off this stack. */
  readonly readPage: (subscription: Subscription) => void
}

/** The sockets of one room that speak one wire. */
export class RoomChannel implements Follower {
  readonly room: ChatRoom
  readonly #context: RoomChannelContext
  readonly #members: Array<Subscription> = []

  constructor(room: ChatRoom, context: RoomChannelContext) {
    this.room = room
    this.#context = context
  }

  get wire(): WireFormat {
    return this.#context.wire
  }

  get size(): number {
    return this.#members.length
  }

  /** From `cursor` on, exactly once and in order; what is in the tail goes out now. */
  join(connection: Connection, cursor: number): Subscription {
    const subscription = new Subscription(connection, this, cursor, this.#members.length)
    this.#members.push(subscription)
    subscription.next = connection.subscriptions
    connection.subscriptions = subscription
    this.pump(subscription)
    return subscription
  }

  holds(subscription: Subscription): boolean {
    return this.#members[subscription.index] === subscription
  }

  leave(subscription: Subscription): void {
    const last = this.#members.pop()
    if (last === undefined || last === subscription) return
    this.#members[subscription.index] = last
    last.index = subscription.index
  }

  committed(batch: CommittedBatch): void {
    const { bytes } = batch.encodedBy(this.#context.wire)
    const before = batch.first - 1
    let written = 0
    for (const member of this.#members) {
      const { connection } = member
      if (member.catchingUp || !connection.writable) continue
      if (member.cursor !== before) {
        // A page of the journal had a part of this batch already.
        this.pump(member)
        continue
      }
      connection.write(bytes)
      member.cursor = batch.last
      written += 1
    }
    this.#count(written * batch.entries.length, written * bytes.length)
  }

  lost(): void {
    // Closing removes members: walk a copy.
    for (const { connection } of Array.from(this.#members)) connection.close(restart)
  }

  /** Writes what the socket has not got, as far as it takes it. */
  pump(subscription: Subscription): void {
    const { connection } = subscription
    while (!subscription.catchingUp && connection.writable && subscription.cursor < this.room.published) {
      const batch = this.room.tail.batchAfter(subscription.cursor)
      if (batch === undefined) {
        subscription.catchingUp = true
        this.#context.readPage(subscription)
        return
      }
      const { wire } = this.#context
      const from = subscription.cursor + 1 - batch.first
      if (from === 0 || wire.packsEntries !== true) this.#write(subscription, batch.encodedBy(wire), from)
      else this.#write(subscription, wire.encode(this.room.name, batch.entries.slice(from)), 0)
      subscription.cursor = batch.last
    }
  }

  /** A page read from the journal, from the cursor on; may be empty when the subscription is gone. */
  page(subscription: Subscription, entries: ReadonlyArray<Entry>): void {
    subscription.catchingUp = false
    const last = entries.at(-1)
    // The journal may be ahead of what was published: no matter, it is on disk, and the cursor tells it from what comes.
    if (last === undefined || !subscription.held) return
    this.#context.stats.catchUpPages += 1
    this.#write(subscription, this.#context.wire.encode(this.room.name, entries), 0)
    subscription.cursor = last.seq
    this.pump(subscription)
  }

  #write({ connection }: Subscription, { bytes, ends }: EncodedBatch, from: number): void {
    const start = from === 0 ? 0 : (ends[from - 1] ?? 0)
    connection.write(start === 0 ? bytes : bytes.subarray(start))
    this.#count(ends.length - from, bytes.length - start)
  }

  #count(deliveries: number, bytes: number): void {
    this.#context.stats.deliveries += deliveries
    this.#context.stats.bytesWritten += bytes
  }
}
