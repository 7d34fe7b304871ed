// @ts-check
import { evolve } from "./state.js"

/** @import { Event, State } from "./state.js" */

/** Holds the state, and tells whoever listens of every event after it happened. */
export class Store {
  /** @type {State} */
  state
  /** @type {Set<(event: Event, before: State) => void>} */
  #listeners = new Set()

  /** @param {State} state */
  constructor(state) {
    this.state = state
  }

  /** @param {Event} event */
  dispatch(event) {
    const before = this.state
    this.state = evolve(before, event)
    for (const listener of this.#listeners) listener(event, before)
  }

  /** @param {(event: Event, before: State) => void} listener @returns {() => void} ends it */
  listen(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
