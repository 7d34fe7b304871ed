// Hot path: plain synchronous code, one object a batch, not one a message.
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { RoomName, Seq } from "./Room.ts"
import type { Entry } from "./RoomEvent.ts"

/** A batch in the bytes of one wire. */
export interface EncodedBatch {
  /** The whole batch, ready for a socket. */
  readonly bytes: Uint8Array
  /** `ends[i]` is where entry `i` ends in `bytes`, or where its frame does that holds others, too. */
  readonly ends: ArrayLike<number>
}

/** How one wire writes entries: called once a batch, whatever the number of sockets. */
export interface WireFormat {
  /** A frame may hold several entries: whoever wants the end of a batch needs frames of his own. */
  readonly packsEntries?: true
  readonly encode: (room: RoomName, entries: ReadonlyArray<Entry>) => EncodedBatch
}

/** Roughly what an entry costs in memory beside its text, bytes. */
const entryOverhead = 256
/** The same of where it ends in an encoding. */
const endBytes = 4

/** Entries that were committed together, oldest first, positions without a hole; with what the wires made of them. */
export class CommittedBatch {
  readonly room: RoomName
  readonly entries: ReadonlyArray<Entry>
  readonly first: Seq
  readonly last: Seq
  /** An estimate of what this holds in memory; encodings are added as they are made. */
  bytes: number
  /** The tail that counts these bytes. */
  tail: RoomTail | undefined
  /** Of the wire that asked first: mostly the only one. */
  #wire: WireFormat | undefined
  #encoded: EncodedBatch | undefined
  #others: Map<WireFormat, EncodedBatch> | undefined

  /** `textBytes`: what the entries' texts take. There is at least one entry. */
  constructor(room: RoomName, entries: NonEmptyReadonlyArray<Entry>, textBytes: number) {
    this.room = room
    this.entries = entries
    this.first = entries[0].seq
    this.last = entries.at(-1)?.seq ?? this.first
    this.bytes = textBytes + entries.length * entryOverhead
    this.tail = undefined
  }

  encodedBy(wire: WireFormat): EncodedBatch {
    const known = this.#wire === wire ? this.#encoded : this.#others?.get(wire)
    if (known !== undefined) return known
    const encoded = wire.encode(this.room, this.entries)
    if (this.#wire === undefined) {
      this.#wire = wire
      this.#encoded = encoded
    } else {
      this.#others ??= new Map()
      this.#others.set(wire, encoded)
    }
    const bytes = encoded.bytes.length + encoded.ends.length * endBytes
    this.bytes += bytes
    this.tail?.grow(bytes)
    return encoded
  }
}

/**
 * The newest entries of a room: what resumes and catches up without the disk. Bounded in entries and bytes; the oldest batch goes first,
 * the newest always stays.
 */
export class RoomTail {
  #batches: Array<CommittedBatch> = []
  /** Batches before this index are gone; the array is packed now and then. */
  #from = 0
  #entries = 0
  bytes = 0
  /** Called when an encoding was added to a batch that is held. Must not throw. */
  onGrow: () => void = () => {}
  readonly #maxEntries: number
  readonly #maxBytes: number

  constructor(options: { readonly maxEntries: number; readonly maxBytes: number }) {
    this.#maxEntries = options.maxEntries
    this.#maxBytes = options.maxBytes
  }

  /** The position before the oldest entry held: whoever has read up to here, or further, is served from the tail. */
  get start(): number {
    const oldest = this.#batches[this.#from]
    return oldest === undefined ? Number.MAX_SAFE_INTEGER : oldest.first - 1
  }

  get isEmpty(): boolean {
    return this.#from === this.#batches.length
  }

  push(batch: CommittedBatch): void {
    batch.tail = this
    this.#batches.push(batch)
    this.#entries += batch.entries.length
    this.bytes += batch.bytes
    this.#trim()
  }

  /** A batch that is held takes so many bytes more: encoded late, for somebody who came back, it can push older ones out, and be pushed out itself. */
  grow(bytes: number): void {
    this.bytes += bytes
    this.#trim()
    this.onGrow()
  }

  #trim(): void {
    while (this.#batches.length - this.#from > 1 && (this.#entries > this.#maxEntries || this.bytes > this.#maxBytes)) {
      this.dropOldest()
    }
  }

  dropOldest(): void {
    const oldest = this.#batches[this.#from]
    if (oldest === undefined) return
    this.#from += 1
    this.#entries -= oldest.entries.length
    this.bytes -= oldest.bytes
    oldest.tail = undefined
    if (this.#from > 32 && this.#from * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#from)
      this.#from = 0
    }
  }

  /** The batch that holds the entry after `position`; `undefined` where the tail has it not (yet, or any more). */
  batchAfter(position: number): CommittedBatch | undefined {
    let low = this.#from
    let high = this.#batches.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const batch = this.#batches[middle]
      if (batch === undefined) return undefined
      if (batch.last <= position) low = middle + 1
      else if (batch.first > position + 1) high = middle - 1
      else return batch
    }
    return undefined
  }

  /** The entries after `after` up to `limit` of them, where the tail holds them all; else `undefined`. */
  entriesAfter(after: number, limit: number): ReadonlyArray<Entry> | undefined {
    if (after < this.start) return undefined
    const entries: Array<Entry> = []
    let position = after
    while (entries.length < limit) {
      const batch = this.batchAfter(position)
      if (batch === undefined) break
      for (let i = position + 1 - batch.first; i < batch.entries.length && entries.length < limit; i++) {
        const entry = batch.entries[i]
        if (entry !== undefined) entries.push(entry)
      }
      position = batch.last
    }
    return entries
  }
}
