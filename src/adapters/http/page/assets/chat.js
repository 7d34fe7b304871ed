// @ts-check
import { closeCode } from "./close-code.js"
import { Connection } from "./connection.js"
import { Timeline } from "./timeline.js"

/** @import { Api } from "./api.js" */
/** @import { Session } from "./session.js" */
/** @import { Socket, SocketEvents, Timers } from "./connection.js" */

/** Messages a page of history brings while the reader scrolls up. */
export const historyPage = 50

/**
 * The page's state: who reads, which room, its timeline and its line to the server. Views read it and call it; it calls `changed`.
 */
export class Chat {
  /** @type {string} */
  room
  timeline = new Timeline()
  /** @type {Connection} */
  connection
  /** @type {"idle" | "loading"} */
  history = "idle"
  /** Why older messages could not be had, in words. */
  historyError = ""
  /** Messages that came while the reader was further up. */
  unseen = 0
  /** A login that was here is gone, not by the reader's wish. */
  loggedOut = false
  /** @type {string} */
  guestName

  /** @type {string | undefined} */
  #epoch
  #options

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {string} options.guestName
   * @param {readonly string[]} options.origins
   * @param {Api} options.api
   * @param {Session} options.session
   * @param {(address: string, protocols: string[], events: SocketEvents) => Socket} options.open
   * @param {Timers} options.timers
   * @param {() => string} options.makeId
   * @param {() => void} options.changed
   */
  constructor(options) {
    this.#options = options
    this.room = options.room
    this.guestName = options.guestName
    this.connection = this.#connect()
  }

  get account() {
    return this.#options.session.account
  }

  /** The login of an earlier visit first, then the socket: who is logged in does not appear as a guest in between. */
  async start() {
    await this.#options.session.restore()
    this.connection.start()
  }

  /** @param {string} room */
  enter(room) {
    if (room === this.room) return
    this.connection.stop()
    this.room = room
    this.timeline = new Timeline()
    this.unseen = 0
    this.historyError = ""
    this.history = "idle"
    this.#epoch = undefined
    this.connection = this.#connect()
    this.connection.start()
  }

  /** @param {string} text */
  post(text) {
    const { makeId, timers } = this.#options
    this.timeline.following = true
    this.unseen = 0
    // A lone surrogate is no text: no encoder of UTF-8 takes it.
    const message = text.toWellFormed()
    this.connection.send(this.timeline.write(makeId(), message, new Date(timers.now()).toISOString()))
  }

  /** @param {string} id */
  retry(id) {
    const outgoing = this.timeline.retry(id)
    if (outgoing !== undefined) this.connection.send(outgoing)
  }

  /** @param {string} id */
  discard(id) {
    this.timeline.discard(id)
    this.#options.changed()
  }

  /** @param {boolean} following the newest message is in sight */
  follow(following) {
    if (this.timeline.following === following && (!following || this.unseen === 0)) return
    this.timeline.following = following
    if (following) this.unseen = 0
    this.#options.changed()
  }

  /** Older messages: there are some, and this reader may have them. */
  get hasOlder() {
    return this.timeline.first > 1
  }

  async loadOlder() {
    const { timeline, room } = this
    if (this.history === "loading" || !this.hasOlder || this.account === undefined) return
    this.#load("loading", "")
    const outcome = await this.#options.session.authorized((token) =>
      this.#options.api.history(token, { room, before: timeline.first, limit: historyPage })
    )
    if (timeline !== this.timeline) return
    if (outcome === undefined) return this.#load("idle", "Log in to read older messages.")
    if (!outcome.ok) return this.#load("idle", outcome.failure.text)
    const { messages, epoch } = outcome.value
    this.#epoch ??= epoch
    const taken = timeline.prepend(messages)
    this.#load("idle", taken === 0 ? "Older messages could not be fitted in." : "")
  }

  /** @param {string} name */
  nameGuest(name) {
    this.guestName = name
    this.#options.changed()
  }

  /**
   * Somebody else speaks from now on (login, logout): a new socket, resumed where the old one was. What the former speaker sent and
   * nobody confirmed is not said again in the new one's name.
   */
  speakAnew() {
    this.loggedOut = false
    for (const { id } of this.timeline.unconfirmed()) {
      this.timeline.reject(id, "This was not confirmed before you changed who you are.", true)
    }
    this.connection.stop()
    this.connection = this.#connect()
    this.connection.start()
  }

  #connect() {
    const { session, timers, open, origins, changed } = this.#options
    const { timeline, room } = this
    let { last } = timeline
    return new Connection({
      room,
      origins,
      timeline,
      timers,
      open,
      epoch: () => this.#epoch,
      speaker: {
        credentials: () => session.credentials(),
        renew: () => session.renew(),
        end: () => session.end(),
        name: () => this.account ?? (this.guestName.trim() || "guest")
      },
      changed: () => {
        if (timeline !== this.timeline) return
        if (!timeline.following && last > 0 && timeline.last > last) this.unseen += timeline.last - last
        ;({ last } = timeline)
        const { state } = this.connection
        if (state.phase === "ended" && (state.code === closeCode.loggedOut || state.code === closeCode.badToken)) {
          this.loggedOut = true
        }
        changed()
      }
    })
  }

  /** @param {"idle" | "loading"} history @param {string} error */
  #load(history, error) {
    this.history = history
    this.historyError = error
    this.#options.changed()
  }
}
