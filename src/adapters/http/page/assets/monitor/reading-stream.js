// @ts-check
import { backoffAfter } from "../backoff.js"

/**
 * @typedef {object} Timers
 * @property {() => number} now milliseconds
 * @property {() => number} random 0 ≤ x < 1
 * @property {(run: () => void, ms: number) => unknown} after
 * @property {(timer: unknown) => void} cancel
 */
/** @import { Happened, Reading } from "./readings.js" */

/** Readings come once a second: so long without one, and the line counts as dead. Milliseconds. */
export const patience = 6_000

/** An event that is longer is none of ours. Characters. */
const longestEvent = 1 << 18

/** @param {string} event @returns {Reading | undefined} */
const readingIn = (event) => {
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5))
    .join("\n")
  try {
    const value = JSON.parse(data)
    return typeof value?.parley?.messages_per_s === "number" && typeof value.pid === "object" ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * The line to `/dashboard/stream`. It comes back by itself, each try later than the one before and none at the same moment as another
 * page's, until it is stopped or the server says that a token is wanted. (EventSource can show no token.)
 */
export class ReadingStream {
  #options
  /** @type {AbortController | undefined} */
  #line
  /** @type {unknown} */
  #timer
  /** Tries in a row that brought no reading. */
  #tries = 0

  /**
   * @param {object} options
   * @param {(signal: AbortSignal) => Promise<Response>} options.open
   * @param {() => Promise<boolean>} options.authorize has a new token; asked once for each reply that wants one
   * @param {Timers} options.timers
   * @param {(happened: Happened) => void} options.heard
   */
  constructor(options) {
    this.#options = options
  }

  get running() {
    return this.#line !== undefined || this.#timer !== undefined
  }

  start() {
    this.stop()
    this.#tries = 0
    void this.#open()
  }

  /** The server sees the end of it at once. */
  stop() {
    this.#line?.abort()
    this.#line = undefined
    this.#rest()
  }

  /** Does not wait for the next try, if it is waiting for one. */
  hurry() {
    if (this.#timer === undefined || this.#line !== undefined) return
    this.#rest()
    void this.#open()
  }

  async #open() {
    const line = new AbortController()
    this.#line = line
    const { authorize, heard, open } = this.#options
    heard({ type: "connecting" })
    this.#watch(line)
    try {
      let reply = await open(line.signal)
      if (reply.status === 401 && (await authorize()) && this.#line === line) reply = await open(line.signal)
      if (this.#line !== line) return
      if (reply.status === 401) {
        this.stop()
        return heard({ type: "refused", wrong: false })
      }
      if (reply.status === 503) return this.#lost(line, "The server is starting, stopping or overloaded.")
      if (!reply.ok || reply.body === null) return this.#lost(line, `The server answered ${reply.status}.`)
      await this.#read(line, reply.body)
      this.#lost(line, "The server ended the line.")
    } catch {
      this.#lost(line, "The server does not answer.")
    }
  }

  /** @param {AbortController} line @param {ReadableStream<Uint8Array>} body */
  async #read(line, body) {
    const reader = body.getReader()
    const decoder = new TextDecoder()
    let text = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.#line !== line) return
      text += decoder.decode(value, { stream: true })
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const reading = readingIn(text.slice(0, end))
        text = text.slice(end + 2)
        if (reading === undefined) continue
        this.#tries = 0
        this.#watch(line)
        this.#options.heard({ type: "reading", at: this.#options.timers.now(), reading })
        if (this.#line !== line) return
      }
      if (text.length > longestEvent) throw new Error("an event without an end")
    }
  }

  /** @param {AbortController} line */
  #watch(line) {
    this.#rest()
    this.#timer = this.#options.timers.after(() => {
      this.#timer = undefined
      this.#lost(line, "")
    }, patience)
  }

  /** @param {AbortController} line @param {string} why empty where nothing came any more */
  #lost(line, why) {
    if (this.#line !== line) return
    line.abort()
    this.#line = undefined
    this.#rest()
    const { heard, timers } = this.#options
    this.#timer = timers.after(
      () => {
        this.#timer = undefined
        void this.#open()
      },
      backoffAfter(this.#tries++, timers.random())
    )
    heard(why === "" ? { type: "stale" } : { type: "lost", why })
  }

  #rest() {
    if (this.#timer !== undefined) this.#options.timers.cancel(this.#timer)
    this.#timer = undefined
  }
}
