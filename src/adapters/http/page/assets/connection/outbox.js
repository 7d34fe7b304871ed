// @ts-check
/** @import { Outgoing } from "../store/room.js" */

/**
 * @typedef {{ code: number, message: string, temporary?: boolean }} PublishError as the SDK rejects
 */

/** A message is 16 KiB of JSON at most, with what stands around its text. Bytes of UTF-8. */
export const maxMessageBytes = 16 * 1024 - 512
/** So often the server may refuse a message for the moment before its author is asked. */
export const maxTries = 5
/** The SDK's own codes: there was no answer, perhaps it is stored. The same id again settles it. */
const unanswered = new Set([1, 2, 3, 4, 7, 10, 11])

/** @param {number} code @param {string} words */
const reasonOf = (code, words) => {
  if (code === 106) return "This message is too long."
  if (code === 103) return "You may not write in this room."
  if (code === 101) return "Your session has ended."
  if (code === 409) return "Another message was sent under the same id."
  if (code === 410 || code === 411) return "This name is taken: choose another, or sign in."
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}

/** @param {unknown} error @returns {PublishError} what is none of the SDK's is nothing that sending again would help */
const readError = (error) => {
  const { code, message, temporary } = Object.fromEntries(Object.entries(Object(error)))
  return { code: Number(code ?? 0), message: String(message ?? "It was not taken"), temporary: temporary === true }
}

/**
 * Sends what waits in each room in the order it was written, one at a time, so that none overtakes another. What gets no answer is sent
 * again with its id when there is a line again, and the server takes it once.
 */
export class Outbox {
  #options
  /** @type {Set<string>} */
  #busy = new Set()
  #generation = 0

  /**
   * @param {object} options
   * @param {(room: string) => Outgoing | undefined} options.next the first message of a room that waits
   * @param {(room: string, outgoing: Outgoing) => Promise<unknown> | undefined} options.publish `undefined` where there is no line now
   * @param {(room: string, id: string) => void} options.sent
   * @param {(room: string, id: string, reason: string, retryable: boolean) => void} options.failed
   * @param {(ms: number) => Promise<void>} options.pause
   */
  constructor(options) {
    this.#options = options
  }

  /** Somebody else speaks, on another line: what was on its way is not waited for. */
  reset() {
    this.#generation += 1
    this.#busy.clear()
  }

  /** @param {string} room has something to send, or a line again */
  async pump(room) {
    if (this.#busy.has(room)) return
    this.#busy.add(room)
    const generation = this.#generation
    try {
      let tries = 0
      for (;;) {
        const outgoing = this.#options.next(room)
        if (outgoing === undefined) return
        const outcome = await this.#send(room, outgoing, tries)
        if (generation !== this.#generation || outcome === "no line") return
        tries = outcome === "again" ? tries + 1 : 0
      }
    } finally {
      if (generation === this.#generation) this.#busy.delete(room)
    }
  }

  /**
   * @param {string} room
   * @param {Outgoing} outgoing
   * @param {number} tries
   * @returns {Promise<"settled" | "again" | "no line">}
   */
  async #send(room, outgoing, tries) {
    const { failed, pause, publish, sent } = this.#options
    if (new TextEncoder().encode(JSON.stringify(outgoing.text)).byteLength > maxMessageBytes) {
      failed(room, outgoing.id, "This message is too long.", false)
      return "settled"
    }
    const generation = this.#generation
    const answer = publish(room, outgoing)
    if (answer === undefined) return "no line"
    try {
      await answer
      if (generation === this.#generation) sent(room, outgoing.id)
      return "settled"
    } catch (error) {
      if (generation !== this.#generation) return "no line"
      const { code, message, temporary } = readError(error)
      if (unanswered.has(code)) {
        await pause(500)
        return "again"
      }
      const isSlower = code === 111
      if (isSlower || (temporary === true && tries < maxTries)) {
        await pause(isSlower ? Number(/in (\d+) ms/.exec(message)?.[1] ?? 1000) : 500 * 2 ** tries)
        return isSlower ? "settled" : "again"
      }
      failed(room, outgoing.id, reasonOf(code, message), temporary === true || code === 410 || code === 411)
      return "settled"
    }
  }
}
