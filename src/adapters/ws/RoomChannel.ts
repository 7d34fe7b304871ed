// Hot path: what was committed to every socket of a room. One buffer for all that stand at one position, one write a socket, no queue a socket: whoever is not ready
// keeps his cursor and is served from the tail, or from the journal, when he is.
import type { ChatRoom, Follower } from "../../domain/ChatRoom.ts"
import type { EngineStats } from "../../domain/EngineStats.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import type { EncodedBatch, WireFormat } from "../../domain/RoomTail.ts"
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

/** So many sockets are written to in one go: about two milliseconds, in which nothing else is done. */
const crowdPart = 256

/** Entries of a page that a socket behind the tail gets from the journal. */
export const catchUpPage = 128

export interface RoomChannelContext {
  readonly wire: WireFormat
  readonly stats: EngineStats["Service"]
  /** Reads the page after the subscription's cursor and hands it to `page`; off this stack. */
  readonly readPage: (subscription: Subscription) => void
  /** How many sockets are written to in one go; default 256. */
  readonly part?: number
}

/** The sockets of one room that speak one wire. */
export class RoomChannel implements Follower {
  readonly room: ChatRoom
  readonly #context: RoomChannelContext
  readonly #part: number
  readonly #members: Array<Subscription> = []
  /** The member that is looked at next. */
  #at = 0
  /** So many members before it, one after another, have all up to here, or will be served when they can be written to. */
  #level = 0
  #servedUpTo = 0

  constructor(room: ChatRoom, context: RoomChannelContext) {
    this.room = room
    this.#context = context
    this.#part = context.part ?? crowdPart
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
    // Who left may have been counted; and the last, who may lack something, stands now where all have been looked at.
    this.#level = 0
    if (last === undefined || last === subscription) return
    this.#members[subscription.index] = last
    last.index = subscription.index
  }

  /** Goes round: whoever was written to longest ago is next, and gets all that was published since, in one write. */
  serve(): number {
    const members = this.#members
    const { published } = this.room
    if (this.#servedUpTo !== published) {
      this.#servedUpTo = published
      this.#level = 0
    }
    let owed = 0
    let written = 0
    let deliveries = 0
    let sent = 0
    let from = -1
    let bytes: Uint8Array | undefined
    while (this.#level < members.length) {
      if (written === this.#part) {
        owed = published - from
        break
      }
      if (this.#at >= members.length) this.#at = 0
      const member = members[this.#at]
      this.#at += 1
      this.#level += 1
      if (member === undefined || member.cursor >= published || member.catchingUp || !member.connection.writable) {
        continue
      }
      written += 1
      if (member.cursor !== from) {
        from = member.cursor
        bytes = this.#bytesAfter(from)
      }
      if (bytes === undefined) {
        // A page of the journal had a part of a batch already, or the tail has let go of it.
        this.pump(member)
        continue
      }
      member.connection.write(bytes)
      member.cursor = published
      deliveries += published - from
      sent += bytes.length
    }
    this.#count(deliveries, sent)
    return owed
  }

  /** All that was published after `cursor`; `undefined` where no batch of the tail begins there. */
  #bytesAfter(cursor: number): Uint8Array | undefined {
    const { published, tail } = this.room
    const parts: Array<Uint8Array> = []
    for (let position = cursor; position < published;) {
      const batch = tail.batchAfter(position)
      if (batch === undefined || batch.first !== position + 1) return undefined
      parts.push(batch.encodedBy(this.#context.wire).bytes)
      position = batch.last
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
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
    // It was filled meanwhile, by another room or its own pages: when it has drained the page is asked for again.
    if (!subscription.connection.writable) return
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
