/**
 * What happened while questions were under way: an answer may be older than a signal that came before it. Holds nothing while nobody
 * asks.
 */
export class Meanwhile<A> {
  #asking = 0
  readonly #happened = new Set<A>()

  begin(): void {
    this.#asking += 1
  }

  end(): void {
    this.#asking -= 1
    if (this.#asking === 0) this.#happened.clear()
  }

  note(what: A): void {
    if (this.#asking > 0) this.#happened.add(what)
  }

  has(what: A): boolean {
    return this.#happened.has(what)
  }
}
