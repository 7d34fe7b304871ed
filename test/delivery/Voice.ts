import type { Random } from "./Random.ts"

/** A message and, where it has an id, what may be sent again. */
export interface Said {
  readonly id: string | undefined
  readonly message: string
}

/** So many acknowledged messages are remembered, to be sent again. */
const acknowledgedKept = 2_000

/** An author in a room; several clients may speak as one. Its ids are those of every other voice: they are the author's and the room's, and nobody else's. */
export class Voice {
  readonly name: string
  readonly room: string
  /** An access token, for an author who has an account. */
  readonly token: string | undefined
  readonly #unacknowledged = new Map<string, Said>()
  readonly #acknowledged: Array<Said> = []
  #count = 0

  constructor(name: string, room: string, token: string | undefined) {
    this.name = name
    this.room = room
    this.token = token
  }

  /** Something that was never said. */
  next(random: Random, withId: number, large: number): Said {
    const count = ++this.#count
    const id = random.chance(withId) ? `m${count}` : undefined
    const size = random.chance(large) ? random.between(1_000, 12_000) : random.between(0, 100)
    const said = { id, message: `${this.room} ${this.name} ${count} ${"…".repeat(size / 3)}` }
    if (id !== undefined) this.#unacknowledged.set(id, said)
    return said
  }

  /** Something that was said with an id, whether an answer came or not. */
  again(random: Random): Said | undefined {
    if (random.chance(0.5)) return random.pick(this.#acknowledged)
    return random.pick(this.unacknowledged.slice(0, 100)) ?? random.pick(this.#acknowledged)
  }

  /** What may be stored or not: only sending it again tells. */
  get unacknowledged(): ReadonlyArray<Said> {
    return [...this.#unacknowledged.values()]
  }

  acknowledged(id: string): void {
    const said = this.#unacknowledged.get(id)
    if (said === undefined) return
    this.#unacknowledged.delete(id)
    this.#acknowledged[
      this.#acknowledged.length < acknowledgedKept ? this.#acknowledged.length : this.#count % acknowledgedKept
    ] = said
  }
}
