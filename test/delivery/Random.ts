/** Chance that can be had again: mulberry32 (Tommy Ettinger, public domain). Not for secrets. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  /** 0, 1 … `count - 1`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** Whole, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(from: ReadonlyArray<A>): A | undefined {
    return from[this.below(from.length)]
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    let left = this.next() * Object.values<number>(weights).reduce((sum, weight) => sum + weight, 0)
    for (const name in weights) {
      left -= weights[name]
      if (left < 0) return name
    }
    throw new Error("no weight is positive")
  }

  /** Independent of what this one gives later: whoever has one of his own does not depend on who else takes from it, and when. */
  fork(): Random {
    return new Random(this.below(2 ** 32))
  }
}
