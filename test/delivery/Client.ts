import { ChatSegment } from "./ChatSegment.ts"
import { SdkSegment } from "./SdkSegment.ts"
import type { From, Segment } from "./Segment.ts"
import type { Random } from "./Random.ts"
import type { Voice } from "./Voice.ts"
import type { World } from "./World.ts"

/** Entries that `?history=` may ask for. */
const mostHistory = 50

/** How many of the things that a client does are followed by a cut of its connection, where it gets itself another. */
const dropped = 0.05

const segments = { classic: ChatSegment, centrifuge: SdkSegment }

/** What a client speaks: the classic wire, or Centrifugo's by its JavaScript SDK. */
export type WireName = keyof typeof segments

/** Comes, talks, reads, goes and comes back, as its chance says, until the world's time is over; then it stays until it has everything. */
export class Client {
  readonly name: string
  readonly voice: Voice
  readonly #world: World
  readonly #random: Random
  readonly #wire: WireName
  /** Whoever speaks as the same author in the same room. */
  readonly #peers: ReadonlyArray<Client>
  readonly #abandoned: Array<Segment> = []
  #segment: Segment | undefined
  /** The last position of the log that it got on any socket. */
  #last = 0

  constructor(
    name: string,
    voice: Voice,
    peers: ReadonlyArray<Client>,
    world: World,
    random: Random,
    wire: WireName = "classic"
  ) {
    this.name = name
    this.voice = voice
    this.#peers = peers
    this.#world = world
    this.#random = random
    this.#wire = wire
  }

  async act(): Promise<void> {
    const { habits } = this.#world
    while (!this.#world.over) {
      const from = this.#from()
      const segment = await this.#connect(from)
      if (segment !== undefined) {
        if (from.since !== this.#last && this.#random.chance(habits.stallFirst)) await this.#do(segment, "stall")
        for (let left = this.#random.between(1, habits.stay); left > 0 && segment.isOpen && !this.#world.over; left--) {
          await this.#do(segment, this.#random.weighted(habits.doing))
          if (segment.drop !== undefined && this.#random.chance(dropped)) segment.drop()
          await this.#world.pause(this.#random.below(2 * habits.paceMillis))
        }
        await this.#leave(segment)
      }
      await this.#world.pause(this.#random.below(150))
    }
  }

  /** Reads on until `done`, and gets an answer to everything that has none; comes back where it is cut. */
  async stay(done: () => boolean, pause: () => Promise<void>): Promise<void> {
    for (const segment of this.#abandoned) await segment.terminate()
    while (!done()) {
      this.#segment ??= await this.#connect({ since: this.#last })
      const segment = this.#segment
      if (segment?.isOpen === true) {
        for (const said of this.voice.unacknowledged) segment.send(said)
      } else this.#forget()
      await pause()
      this.#note()
    }
  }

  /** The last position it got. */
  get last(): number {
    this.#note()
    return this.#last
  }

  async terminate(): Promise<void> {
    for (const segment of this.#abandoned) await segment.terminate()
    await this.#segment?.terminate()
  }

  async #connect(from: From): Promise<Segment | undefined> {
    this.#segment = await segments[this.#wire].open(this.#world, this.name, this.voice, from)
    return this.#segment
  }

  #from(): From {
    switch (this.#random.weighted(this.#world.habits.resuming)) {
      case "last":
        return { since: this.#last }
      case "earlier":
        return { since: this.#random.between(Math.max(0, this.#last - 1_500), this.#last) }
      case "beginning":
        return { since: 0 }
      default:
        return { history: this.#random.between(1, mostHistory) }
    }
  }

  async #do(segment: Segment, what: keyof World["habits"]["doing"]): Promise<void> {
    const { large, stallMillis, withId } = this.#world.habits
    switch (what) {
      case "say":
        return segment.send(this.voice.next(this.#random, withId, large))
      case "repeat": {
        const said = this.voice.again(this.#random)
        if (said !== undefined) segment.send(said)
        return
      }
      case "race": {
        const said = this.voice.next(this.#random, 1, large)
        segment.send(said)
        for (const peer of this.#peers) if (peer !== this) peer.#segment?.send(said)
        return
      }
      case "stall":
        segment.stopReading()
        await this.#world.pause(this.#random.below(2 * stallMillis))
        return segment.readOn()
      case "nothing":
        return
    }
  }

  async #leave(segment: Segment): Promise<void> {
    const how = this.#random.weighted(this.#world.habits.leaving)
    if (!segment.isOpen) await segment.ended
    else if (how === "abandon") {
      // As a machine does that fell asleep: the connection stands, and nobody is there.
      segment.stopReading()
      this.#abandoned.push(segment)
      if (this.#abandoned.length > 2) await this.#abandoned.shift()?.terminate()
    } else await segment[how]()
    this.#forget()
  }

  #note(): void {
    this.#last = Math.max(this.#last, this.#segment?.last ?? 0)
  }

  #forget(): void {
    this.#note()
    this.#segment = undefined
  }
}
