import type { DeliveryEvent } from "./DeliveryEvent.ts"

/** Which promise was broken. */
export type Promised =
  /** A socket gets positions n, n + 1, n + 2 …; the first one after `since` is `since + 1`. */
  | "without a hole"
  /** A position holds one message, the same for everybody and for ever. */
  | "one order"
  /** A message stands in the log once, however often it was sent. */
  | "once"
  /** An acknowledgement names the position where the message stands. */
  | "acknowledged at its place"
  /** What was acknowledged, or seen by anybody, stays. */
  | "nothing lost"
  /** What was sent after another message was seen stands after it; a socket's messages stand in the order in which it sent them. */
  | "cause before effect"
  /** What is delivered was sent, by this author, to this room, with this id. */
  | "nothing made up"
  /** Who stays gets everything there is. */
  | "everything arrives"
  /** The server stands, and refuses nothing that it must take. */
  | "the server serves"

export interface Violation {
  readonly promised: Promised
  readonly what: string
  readonly room: string | undefined
  readonly segment: number | undefined
}

export interface Counts {
  readonly deliveries: number
  readonly sends: number
  readonly messages: number
  readonly acknowledged: number
}

interface Message {
  readonly room: string
  readonly author: string | undefined
  readonly id: string | undefined
  readonly text: string
  /** The last position of its room that anybody had seen when it was first sent. */
  readonly floor: number
  readonly segment: number
  /** Its place among all first sends. */
  readonly order: number
  sends: number
  seq: number | undefined
  acknowledged: boolean
}

interface Room {
  readonly name: string
  /** By position; what is only known from an acknowledgement has no content yet. */
  readonly messages: Array<Message | undefined>
  readonly contents: Array<string | undefined>
  seen: number
}

interface Segment {
  readonly client: string
  readonly room: Room
  readonly author: string | undefined
  /** The position before the next one; until the first one came, where `since` did not say it, `undefined`. */
  last: number | undefined
  /** The first position is not before this one. */
  readonly least: number
}

/** Refusals that no client here ever deserves. */
const undeserved = new Set(["id_conflict", "bad_frame", "binary_frame", "name_taken", "name_reserved", "forbidden"])

/** So many violations are kept: the first one tells most. */
const violationsKept = 100

/**
 * Judges what clients saw against what a room promises. It knows nothing but the events, in the order in which they happened, and takes them one at a time: its memory grows with
 * messages, not with deliveries.
 */
export class Checker {
  readonly violations: Array<Violation> = []
  readonly #rooms = new Map<string, Room>()
  readonly #segments = new Map<number, Segment>()
  readonly #byText = new Map<string, Message>()
  readonly #byId = new Map<string, Message>()
  #deliveries = 0
  #sends = 0
  #acknowledged = 0

  get counts(): Counts {
    return {
      deliveries: this.#deliveries,
      sends: this.#sends,
      messages: this.#byText.size,
      acknowledged: this.#acknowledged
    }
  }

  /** The last position of a room that anybody has seen. */
  seen(room: string): number {
    return this.#room(room).seen
  }

  take(event: DeliveryEvent): void {
    switch (event.type) {
      case "opened": {
        const room = this.#room(event.room)
        this.#segments.set(event.segment, {
          client: event.client,
          room,
          author: event.author,
          last: event.since,
          least: Math.max(1, room.seen - (event.history ?? 0) + 1)
        })
        return
      }
      case "sent":
        return this.#sent(event)
      case "delivered":
        return this.#delivered(event)
      case "acknowledged":
        return this.#acknowledgedAt(event)
      case "accepted":
        return this.#accepted(event)
      case "refused":
        return this.#refused(event)
      case "closed":
        this.#segments.delete(event.segment)
        return
      case "server":
        if (event.broken) this.#broken("the server serves", event.what)
        return
      case "ended":
        return this.#ended(this.#room(event.room), event.head)
    }
  }

  #sent({ id, message: text, segment: number }: DeliveryEvent & { type: "sent" }): void {
    const { author, room } = this.#segment(number)
    this.#sends += 1
    const before = this.#byText.get(text)
    if (before !== undefined) {
      before.sends += 1
      return
    }
    const order = this.#byText.size
    const message: Message = {
      room: room.name,
      author,
      id,
      text,
      floor: room.seen,
      segment: number,
      order,
      sends: 1,
      seq: undefined,
      acknowledged: false
    }
    this.#byText.set(text, message)
    if (id !== undefined) this.#byId.set(key(room.name, author, id), message)
  }

  #delivered(event: DeliveryEvent & { type: "delivered" }): void {
    const { content, from, id, message: text, seq } = event
    const segment = this.#segment(event.segment)
    const { room } = segment
    this.#deliveries += 1
    if (segment.last === undefined ? seq < segment.least : seq !== segment.last + 1) {
      const expected = segment.last === undefined ? `${segment.least} or later` : String(segment.last + 1)
      this.#broken("without a hole", `${segment.client} got ${seq} where ${expected} was next`, event.segment)
    }
    segment.last = seq

    const known = room.contents[seq]
    if (known === undefined) {
      room.contents[seq] = content
      const message = this.#byText.get(text)
      if (message === undefined || message.room !== event.room || room.name !== event.room || message.author !== from) {
        this.#broken("nothing made up", `nobody sent what stands at ${seq}: ${content}`, event.segment)
      } else {
        if (message.id !== undefined && message.id !== id) {
          this.#broken("nothing made up", `${quote(message)} stands at ${seq} with the id ${id}`, event.segment)
        }
        this.#place(message, seq, event.segment)
      }
    } else if (known !== content) {
      this.#broken("one order", `${seq} was ${known}, and for ${segment.client} it is ${content}`, event.segment)
    }
    if (from === segment.author) {
      const own = room.messages[seq]
      if (own !== undefined) this.#acknowledge(own)
    }
    room.seen = Math.max(room.seen, seq)
  }

  #acknowledgedAt({ id, segment: number, seq }: DeliveryEvent & { type: "acknowledged" }): void {
    const { author, client, room } = this.#segment(number)
    const message = this.#byId.get(key(room.name, author, id))
    if (message === undefined) {
      this.#broken("nothing made up", `${client} got an acknowledgement of ${id}, which it never sent`, number)
      return
    }
    this.#place(message, seq, number, true)
    this.#acknowledge(message)
    room.seen = Math.max(room.seen, seq)
  }

  #accepted({ author, id, room }: DeliveryEvent & { type: "accepted" }): void {
    const message = this.#byId.get(key(room, author, id))
    if (message === undefined) {
      this.#broken("nothing made up", `${author} was told that ${id} is stored, which was never sent`, this.#room(room))
    } else this.#acknowledge(message)
  }

  #acknowledge(message: Message): void {
    if (message.acknowledged) return
    message.acknowledged = true
    this.#acknowledged += 1
  }

  /** Somebody learned, for the first time or again, where a message stands. */
  #place(message: Message, seq: number, segment: number, byAcknowledgement = false): void {
    const room = this.#room(message.room)
    const there = room.messages[seq]
    if (message.seq === seq && there === message) return
    if (message.seq !== undefined && message.seq !== seq) {
      const promised = byAcknowledgement ? "acknowledged at its place" : "once"
      this.#broken(promised, `${quote(message)} stood at ${message.seq}, and now at ${seq}`, segment)
      return
    }
    if (there !== undefined && there !== message) {
      const what = `${quote(message)} is at ${seq}, where ${quote(there)} was`
      this.#broken("acknowledged at its place", what, segment)
      return
    }
    message.seq = seq
    room.messages[seq] = message
    if (seq > message.floor) return
    const what = `${quote(message)} was first sent when ${message.floor} had been seen, and stands at ${seq}`
    this.#broken("cause before effect", what, segment)
  }

  #refused({ code, id, segment: number }: DeliveryEvent & { type: "refused" }): void {
    const { client, last } = this.#segment(number)
    if (code === "position_unknown") {
      this.#broken("nothing lost", `the log does not have ${last}, which ${client} saw and resumed after`, number)
    } else if (undeserved.has(code)) {
      this.#broken("the server serves", `${client} sent ${id ?? "a message"} and was told ${code}`, number)
    }
  }

  #ended(room: Room, head: number): void {
    if (room.seen > head) this.#broken("nothing lost", `${room.seen} was seen, and the log ends at ${head}`, room)
    for (let seq = 1; seq <= head; seq++) {
      if (room.contents[seq] === undefined) this.#broken("everything arrives", `nobody was ever sent ${seq}`, room)
    }
    for (const message of this.#byText.values()) {
      if (message.room !== room.name || !message.acknowledged || message.seq !== undefined) continue
      this.#broken("nothing lost", `${quote(message)} was acknowledged, and stands nowhere`, room)
    }
    for (const [number, { client, last, room: of }] of this.#segments) {
      if (of === room && last !== head) {
        this.#broken("everything arrives", `${client} is at ${last}, and the log ends at ${head}`, number)
      }
    }
    this.#eachSocketInOrder(room, head)
  }

  /** Of messages that were sent once: of others it is not known which copy was taken. */
  #eachSocketInOrder(room: Room, head: number): void {
    const latest = new Map<number, Message>()
    for (let seq = 1; seq <= head; seq++) {
      const message = room.messages[seq]
      if (message === undefined || message.sends > 1) continue
      const before = latest.get(message.segment)
      if (before !== undefined && before.order > message.order) {
        const what = `one socket sent ${quote(message)} before ${quote(before)}; they stand at ${seq} and ${before.seq}`
        this.#broken("cause before effect", what, room)
      }
      latest.set(message.segment, message)
    }
  }

  #broken(promised: Promised, what: string, where?: number | Room): void {
    if (this.violations.length >= violationsKept) return
    const segment = typeof where === "number" ? where : undefined
    const room = typeof where === "number" ? this.#segments.get(where)?.room.name : where?.name
    this.violations.push({ promised, what, room, segment })
  }

  #room(name: string): Room {
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = { name, messages: [], contents: [], seen: 0 }
      this.#rooms.set(name, room)
    }
    return room
  }

  #segment(number: number): Segment {
    const segment = this.#segments.get(number)
    if (segment === undefined) throw new Error(`segment ${number} is not open`)
    return segment
  }
}

const key = (room: string, author: string | undefined, id: string): string => `${room}\n${author}\n${id}`

const quote = ({ author, id, text }: Message): string =>
  `"${text.slice(0, 40).trimEnd()}" of ${author} (${id === undefined ? "no id" : `id ${id}`})`
