import { ChatSegment } from "./ChatSegment.ts"
import type { From } from "./ChatSegment.ts"
import type { Random } from "./Random.ts"
import type { Voice } from "./Voice.ts"
import type { World } from "./World.ts"

/** Entries that `?history=` may ask for. */
const mostHistory = 50

/** Comes, talks, reads, goes and comes back, as its chance says, until the world's time is over; then it stays until it has everything. */
export class Client {
  readonly name: string
  readonly voice: Voice
  readonly #world: World
  readonly #random: Random
  /** Whoever speaks as the same author in the same room. */
  readonly #peers: ReadonlyArray<Client>
  readonly #abandoned: Array<ChatSegment> = []
  #segment: ChatSegment | undefined
  /** The last position of the log that it got on any socket. */
  #last = 0

  constructor(name: string, voice: Voice, peers: ReadonlyArray<Client>, world: World, random: Random) {
    this.name = name
    this.voice = voice
    this.#peers = peers
    this.#world = world
    this.#random = random
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

  async #connect(from: From): Promise<ChatSegment | undefined> {
    this.#segment = await ChatSegment.open(this.#world, this.name, this.voice, from)
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

  async #do(segment: ChatSegment, what: keyof World["habits"]["doing"]): Promise<void> {
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

  async #leave(segment: ChatSegment): Promise<void> {
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
