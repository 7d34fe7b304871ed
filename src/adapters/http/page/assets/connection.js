// @ts-check
import { socketAddress } from "./address.js"
import { Answers, patience } from "./answers.js"
import { backoffAfter } from "./backoff.js"
import { closeCode, isUnreadable, mayReconnect } from "./close-code.js"
import { frameBytes, maxFrameBytes, readFrame, writeAuth, writeFrame } from "./frames.js"

/** @import { Rejection } from "./frames.js" */
/** @import { Timeline, Outgoing } from "./timeline.js" */

/**
 * @typedef {{ phase: "connecting" }
 *   | { phase: "live" }
 *   | { phase: "waiting", until: number }
 *   | { phase: "ended", code: number }
 *   | { phase: "stopped" }} State
 * `until` is on the clock `now`, in milliseconds. `ended`: the server said that trying again is of no use.
 */

/**
 * @typedef {object} Socket What is used of a WebSocket.
 * @property {(text: string) => void} send
 * @property {() => void} close
 */

/**
 * @typedef {{ opened: () => void, received: (data: unknown) => void, closed: (code: number) => void }} SocketEvents
 */

/**
 * @typedef {{ kind: "guest" } | { kind: "token", token: string, expiresAt: number } | { kind: "ended" } | { kind: "unavailable" }} Credentials
 * `expiresAt` on the clock `now`, in milliseconds; infinite where the token does not say.
 */

/**
 * @typedef {object} Speaker Who speaks on this connection.
 * @property {() => Promise<Credentials>} credentials a token that is valid now
 * @property {() => Promise<"renewed" | "ended" | "unavailable">} renew a new token, whatever the old one says
 * @property {() => void} end the server ended the login
 * @property {() => string} name what stands in `from`; with a token the server does not look at it
 */

/**
 * @typedef {object} Timers
 * @property {() => number} now milliseconds
 * @property {() => number} random 0 ≤ x < 1
 * @property {(run: () => void, ms: number) => unknown} after
 * @property {(timer: unknown) => void} cancel
 */

/** Messages asked for when a room is opened. */
export const firstPage = 50
/** A connection that lived so long was a good one: the back-off begins anew. Milliseconds. */
export const provenAfter = 5_000
/** A socket gets a fresh token so long before the old one ends. Milliseconds. */
export const renewSocketBefore = 60_000

/**
 * Keeps one room's socket: opens it, opens it again, and resumes after the last position it has, so that nothing is missed and nothing
 * comes twice. What was sent and not confirmed is sent again with its id, which the server takes once.
 */
export class Connection {
  /** @type {State} */
  state = { phase: "stopped" }

  #options
  /** @type {Socket | undefined} */
  #socket
  /** Tries in a row without a proven connection. */
  #tries = 0
  /** Which of the origins is tried. */
  #origin = 0
  /** A new token was had since the last connection that opened: having another would help nothing. */
  #renewed = false
  /** @type {unknown} */
  #timer
  #answers
  /** @type {unknown} */
  #freshening
  #generation = 0

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {readonly string[]} options.origins the first choice first, at least one
   * @param {Timeline} options.timeline
   * @param {Speaker} options.speaker
   * @param {(address: string, protocols: string[], events: SocketEvents) => Socket} options.open
   * @param {Timers} options.timers
   * @param {() => string | undefined} options.epoch the log's identity, if known
   * @param {() => void} options.changed called after the state or the timeline changed
   */
  constructor(options) {
    this.#options = options
    this.#answers = new Answers({
      timers: options.timers,
      lost: (sentAt) => this.#closed(1006, sentAt),
      sendAgain: () => this.#sendUnconfirmed()
    })
  }

  start() {
    this.#tries = 0
    this.#renewed = false
    void this.#connect()
  }

  /** Tries now what would be tried later: the reader asked, or the network came back. */
  hurry() {
    if (this.state.phase === "waiting" || this.state.phase === "ended") void this.#connect()
  }

  stop() {
    this.#drop()
    this.#become({ phase: "stopped" })
  }

  /**
   * Sends it now if the line is open, else as soon as it is. What is too large for the server is rejected here, since the server
   * would close the line upon it.
   * @param {Outgoing} outgoing
   */
  send(outgoing) {
    const frame = writeFrame({ from: this.#options.speaker.name(), ...outgoing })
    if (frameBytes(frame) > maxFrameBytes) {
      this.#options.timeline.reject(outgoing.id, "This message is too long.", false)
    } else if (this.state.phase === "live" && this.#socket !== undefined && !this.#answers.full) {
      this.#answers.await(outgoing.id)
      this.#socket.send(frame)
    }
    this.#options.changed()
  }

  #sendUnconfirmed() {
    const unconfirmed = this.#options.timeline.unconfirmed()
    if (unconfirmed.length === 0) this.#answers.careful = false
    for (const outgoing of unconfirmed) this.send(outgoing)
  }

  async #connect() {
    this.#drop()
    const generation = this.#generation
    this.#become({ phase: "connecting" })
    const credentials = await this.#options.speaker.credentials()
    if (generation !== this.#generation) return
    if (credentials.kind === "ended") return this.#become({ phase: "ended", code: closeCode.loggedOut })
    if (credentials.kind === "unavailable") return this.#wait()
    const { room, timeline, timers, origins } = this.#options
    const epoch = this.#options.epoch()
    const from =
      timeline.last === 0 ? { history: firstPage } : { since: timeline.last, ...(epoch === undefined ? {} : { epoch }) }
    const address = socketAddress(origins[this.#origin % origins.length] ?? "", { room, ...from })
    let openedAt = -1
    /** @param {() => void} act What a socket says that was given up is not heard. */
    const ifCurrent = (act) => {
      if (generation === this.#generation) act()
    }
    this.#timer = timers.after(() => this.#closed(1006, openedAt), patience)
    this.#socket = this.#options.open(address, credentials.kind === "token" ? ["bearer", credentials.token] : [], {
      opened: () =>
        ifCurrent(() => {
          openedAt = timers.now()
          timers.cancel(this.#timer)
          this.#become({ phase: "live" })
          this.#sendUnconfirmed()
          if (credentials.kind === "token") this.#freshenAt(credentials.expiresAt)
        }),
      received: (data) => ifCurrent(() => this.#receive(data, openedAt)),
      closed: (code) => ifCurrent(() => this.#closed(code, openedAt))
    })
  }

  /** @param {unknown} data @param {number} openedAt */
  #receive(data, openedAt) {
    const frame = readFrame(data)
    if (frame === undefined) return
    const { timeline } = this.#options
    switch (frame.kind) {
      case "message":
        this.#answers.settle(frame.message.id)
        if (timeline.receive(frame.message) === "hole") this.#closed(1006, openedAt)
        break
      case "ack":
        this.#answers.settle(frame.id)
        timeline.acknowledge(frame.id, frame.seq)
        break
      case "rejection":
        this.#rejected(frame.text, frame.error)
        break
      default:
        timeline.notice(frame.text)
    }
    if (this.#answers.careful && !this.#answers.full) this.#sendUnconfirmed()
    this.#options.changed()
  }

  /** @param {string} text @param {Rejection} error */
  #rejected(text, error) {
    const { timeline, timers } = this.#options
    if (error.code === "position_unknown") {
      timeline.reset()
      timeline.notice("The room's history was replaced on the server. What you see now is its newest part.")
      void this.#connect()
      return
    }
    // Refused before it was read: any of those without an answer may be meant, and sending one again that was taken is no harm.
    if (error.id === undefined && error.retryable && this.#answers.awaited.length > 0)
      return this.#answers.sendAgainAfter(error.retryAfterMs)
    const outgoing = error.id === undefined ? undefined : timeline.outgoing.get(error.id)
    if (outgoing === undefined) return timeline.notice(text)
    this.#answers.settle(outgoing.id)
    if (error.code !== "outcome_unknown") return timeline.reject(outgoing.id, text, error.retryable)
    // Perhaps stored, perhaps not: the same id again settles it.
    const generation = this.#generation
    timers.after(() => {
      const still = timeline.outgoing.get(outgoing.id)
      if (generation === this.#generation && still?.state === "sending") this.send(still)
    }, error.retryAfterMs ?? 1000)
  }

  /** @param {number} code @param {number} openedAt -1 if it never opened */
  #closed(code, openedAt) {
    const { timers, timeline, speaker } = this.#options
    const { awaited } = this.#answers
    this.#drop()
    if (isUnreadable(code)) {
      for (const id of awaited) timeline.reject(id, "The server could not take this message.", false)
    }
    if (openedAt >= 0) {
      this.#renewed = this.#renewed && code === closeCode.badToken
      if (timers.now() - openedAt >= provenAfter) this.#tries = 0
    } else {
      this.#origin += 1
    }
    if (code === closeCode.tokenExpired) return void this.#renew(true)
    // Another page of this login may have had a new token meanwhile, which ended ours: a new one tells. A refused opening has no code.
    const mayBeToken =
      code === closeCode.badToken || (openedAt < 0 && this.#origin % this.#options.origins.length === 0)
    if (mayBeToken && !this.#renewed) return void this.#renew(code === closeCode.badToken)
    if (mayReconnect(code)) return this.#wait()
    if (code === closeCode.loggedOut || code === closeCode.badToken) speaker.end()
    this.#become({ phase: "ended", code })
  }

  /** @param {boolean} atOnce connect as soon as there is a token */
  async #renew(atOnce) {
    this.#renewed = true
    this.#become({ phase: "connecting" })
    const generation = this.#generation
    const outcome = await this.#options.speaker.renew()
    if (generation !== this.#generation) return
    if (outcome === "ended") this.#become({ phase: "ended", code: closeCode.loggedOut })
    else if (outcome === "renewed" && atOnce && this.#tries === 0) {
      this.#tries += 1
      await this.#connect()
    } else this.#wait()
  }

  /**
   * Brings the open socket a new token before the old one ends. Where that fails, the server closes with "token expired" and the page
   * comes back with a new one.
   * @param {number} expiresAt
   */
  #freshenAt(expiresAt) {
    const { speaker, timers } = this.#options
    if (expiresAt === Number.POSITIVE_INFINITY) return
    const generation = this.#generation
    const renew = async () => {
      if ((await speaker.renew()) !== "renewed") return
      const credentials = await speaker.credentials()
      if (generation !== this.#generation || credentials.kind !== "token") return
      this.#socket?.send(writeAuth(credentials.token))
      this.#freshenAt(credentials.expiresAt)
    }
    const ms = Math.max(provenAfter, expiresAt - timers.now() - renewSocketBefore)
    this.#freshening = timers.after(() => void renew(), Math.min(ms, 2 ** 31 - 1))
  }

  #wait() {
    const { timers } = this.#options
    const ms = backoffAfter(this.#tries, timers.random())
    this.#tries += 1
    this.#become({ phase: "waiting", until: timers.now() + ms })
    this.#timer = timers.after(() => void this.#connect(), ms)
  }

  #drop() {
    this.#generation += 1
    for (const timer of [this.#timer, this.#freshening]) this.#options.timers.cancel(timer)
    this.#answers.clear()
    this.#socket?.close()
    this.#socket = undefined
  }

  /** @param {State} state */
  #become(state) {
    this.state = state
    this.#options.changed()
  }
}
