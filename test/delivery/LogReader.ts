import { ApiClient } from "../support/ApiClient.ts"
import type { Delivered } from "../support/ChatClient.ts"
import { contentOf } from "./Content.ts"
import type { Random } from "./Random.ts"
import type { World } from "./World.ts"

const pageEntries = 1_000

/** Reads rooms through HTTP, as an account of its own. */
export class LogReader {
  readonly #world: World
  readonly #token: string
  readonly #logs = new Map<string, { readonly segment: number; head: number }>()

  constructor(world: World, token: string) {
    this.#world = world
    this.#token = token
  }

  /** One page somewhere, or nothing where the server is not there. */
  async page(room: string, random: Random): Promise<void> {
    const seen = this.#world.recorder.seen(room)
    const limit = random.between(1, 200)
    const from = random.chance(0.5) ? { since: random.between(0, seen) } : { history: limit }
    const { recorder } = this.#world
    const segment = recorder.segment()
    recorder.record({ type: "opened", segment, client: "reader", room, ...from })
    const query = from.since === undefined ? `limit=${limit}` : `limit=${limit}&after=${from.since}`
    for (const entry of (await this.#read(room, query).catch(() => undefined)) ?? []) this.#record(segment, room, entry)
    recorder.record({ type: "closed", segment, how: "read" })
  }

  /** The rest of the log since the last time. Gives its end. */
  async restOf(room: string): Promise<number> {
    let log = this.#logs.get(room)
    if (log === undefined) {
      log = { segment: this.#world.recorder.segment(), head: 0 }
      this.#logs.set(room, log)
      this.#world.recorder.record({ type: "opened", segment: log.segment, client: "the log", room, since: 0 })
    }
    for (;;) {
      const entries = await this.#read(room, `limit=${pageEntries}&after=${log.head}`)
      for (const entry of entries) this.#record(log.segment, room, entry)
      log.head = entries.at(-1)?.seq ?? log.head
      if (entries.length < pageEntries) return log.head
    }
  }

  async #read(room: string, query: string): Promise<ReadonlyArray<Delivered>> {
    const { status, text } = await new ApiClient(this.#world.url).history(this.#token, `?room=${room}&${query}`)
    if (status !== 200) throw new Error(`history: ${status} ${text}`)
    return JSON.parse(text) as ReadonlyArray<Delivered>
  }

  #record(segment: number, room: string, entry: Delivered): void {
    const { from, id, message, seq } = entry
    this.#world.recorder.record({ type: "delivered", segment, seq, from, id, message, room, content: contentOf(entry) })
  }
}
