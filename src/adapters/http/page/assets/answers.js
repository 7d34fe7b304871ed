// @ts-check
/** @import { Timers } from "./connection.js" */

/** A message may wait so long for its answer before the line counts as dead. Milliseconds. */
export const patience = 15_000

/**
 * The messages that were sent on one socket and have no answer yet. A network that died silently shows by nothing else.
 */
export class Answers {
  /** @type {Map<string, number>} When each was sent, by id, in the order of sending. */
  #awaited = new Map()
  #timers
  #lost
  #sendAgain
  /** Some were refused, and not everything is confirmed since. */
  careful = false
  /** @type {unknown} */
  #watch
  /** @type {unknown} */
  #resending

  /**
   * @param {object} options
   * @param {Timers} options.timers
   * @param {(sentAt: number) => void} options.lost no answer came for `patience`
   * @param {() => void} options.sendAgain everything that is not confirmed
   */
  constructor({ timers, lost, sendAgain }) {
    this.#timers = timers
    this.#lost = lost
    this.#sendAgain = sendAgain
  }

  /** Ids, in the order of sending. */
  get awaited() {
    return [...this.#awaited.keys()]
  }

  /** @param {string} id was sent now */
  await(id) {
    this.#awaited.set(id, this.#timers.now())
    this.#watchOldest()
  }

  /** @param {string} id was answered */
  settle(id) {
    if (this.#awaited.delete(id)) this.#watchOldest()
  }

  /**
   * Nothing more is to be sent now: a refusal is being waited out; and after one, each message waits for the answer of the one before,
   * so that no later one overtakes it.
   */
  get full() {
    return this.#resending !== undefined || (this.careful && this.#awaited.size > 0)
  }

  /**
   * Some were refused, and it was not said which. Asked for twice, it is done once.
   * @param {number | undefined} ms
   */
  sendAgainAfter(ms = 1000) {
    this.careful = true
    this.#timers.cancel(this.#resending)
    this.#resending = this.#timers.after(() => {
      this.#resending = undefined
      this.#awaited.clear()
      this.#sendAgain()
    }, ms)
  }

  /** The socket is gone, and with it every answer. */
  clear() {
    this.careful = false
    this.#awaited.clear()
    this.#timers.cancel(this.#watch)
    this.#timers.cancel(this.#resending)
    this.#resending = undefined
  }

  #watchOldest() {
    this.#timers.cancel(this.#watch)
    const [oldest] = this.#awaited.values()
    if (oldest === undefined) return
    this.#watch = this.#timers.after(() => this.#lost(oldest), Math.max(0, oldest + patience - this.#timers.now()))
  }
}
