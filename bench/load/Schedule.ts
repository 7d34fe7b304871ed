/** When the messages of an open loop are due: number 0, 1, 2 … at a fixed rate, whatever the server does. Times are milliseconds of `performance.now()`. */
export class Schedule {
  readonly #start: number
  readonly #perMillisecond: number
  readonly messages: number

  constructor(options: { readonly start: number; readonly ratePerSecond: number; readonly seconds: number }) {
    this.#start = options.start
    this.#perMillisecond = options.ratePerSecond / 1000
    this.messages = Math.round(options.ratePerSecond * options.seconds)
  }

  dueAt(index: number): number {
    return this.#start + index / this.#perMillisecond
  }

  /** How many of them are due at `now`. */
  dueBy(now: number): number {
    if (now < this.#start) return 0
    let due = Math.min(this.messages, Math.floor((now - this.#start) * this.#perMillisecond) + 1)
    // Rounding may put the product on the wrong side of a message that is due just now.
    while (due < this.messages && this.dueAt(due) <= now) due++
    while (due > 0 && this.dueAt(due - 1) > now) due--
    return due
  }
}
