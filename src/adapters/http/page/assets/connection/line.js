// @ts-check
/** The line to the server: Centrifugo's JavaScript SDK keeps it, and what it says becomes events of the store. */
import { readPublication, readPublications } from "./publication.js"

/** @import { Centrifuge, Subscription, PublicationContext, SubscribedContext, DisconnectedContext } from "centrifuge" */
/** @import { Line as LineState } from "../store/state.js" */
/** @import { Message, RoomEvent } from "../store/room.js" */

/** Messages of a page of history. */
export const pageSize = 100
/** The SDK comes back after a random while up to a bound that doubles from the first to the second (full jitter). Milliseconds. */
export const reconnectBetween = { minReconnectDelay: 300, maxReconnectDelay: 15_000 }

/** Why a line ended for good, by its code: the server's close codes and errors, and the SDK's own. */
const closedFor = new Map([
  [3501, "The server did not understand this page. Reloading it may help."],
  [4503, "The server did not understand this page. Reloading it may help."],
  [4504, "You have this chat open too many times. Close one of the others and try again."],
  [4505, "You may not enter this room."]
])
const badToken = 4500
const loggedOut = 4502
/** The SDK's: no token could be had. */
const noToken = 1
const disconnectCalled = 0
/** Nobody may talk without an account. */
const membersOnly = new Set([101, 4501])

/**
 * @typedef {object} Speaker
 * @property {"guest" | "account"} kind
 * @property {() => Promise<string>} token a valid one; rejects with `ended: true` where the login is over
 * @property {() => Promise<boolean>} renew a new token, whatever the old one says
 * @property {() => void} end the server ended the login
 */

/** @typedef {{ offset: number, epoch: string }} Position */

export class Line {
  #options
  /** @type {Centrifuge | undefined} */
  #client
  /** @type {Map<string, Subscription>} */
  #subscriptions = new Map()
  /** @type {Map<string, Message[]>} What came and is not told yet: a burst is one event a room. */
  #arrived = new Map()
  #isTelling = false
  /** A new token was had since the line was last live: another one would help nothing. */
  #renewed = false
  #wasLive = false

  /**
   * @param {object} options
   * @param {typeof Centrifuge} options.Centrifuge
   * @param {readonly string[]} options.addresses the first choice first
   * @param {Speaker} options.speaker
   * @param {(line: LineState) => void} options.became
   * @param {(room: string, event: RoomEvent) => void} options.happened
   * @param {(room: string, messages: Message[]) => void} options.received
   * @param {(room: string) => void} options.ready the room can be written to
   * @param {(room: string) => number} options.headOf the newest position known
   * @param {(run: () => void) => unknown} options.soon
   */
  constructor(options) {
    this.#options = options
    const { Centrifuge, addresses, speaker } = options
    const endpoints = addresses.map((endpoint) => ({ transport: /** @type {const} */ ("websocket"), endpoint }))
    const client = new Centrifuge(endpoints, {
      name: "parley-page",
      ...reconnectBetween,
      ...(speaker.kind === "guest"
        ? {}
        : {
            getToken: () =>
              speaker.token().catch((error) => {
                throw error.ended === true ? new Centrifuge.UnauthorizedError("") : error
              })
          })
    })
    client.on("connecting", () => {
      this.#tell()
      options.became({ phase: this.#wasLive ? "reconnecting" : "connecting" })
    })
    client.on("connected", () => {
      this.#wasLive = true
      this.#renewed = false
      options.became({ phase: "live" })
    })
    client.on("disconnected", (context) => void this.#ended(context))
    // Each is told by a change of state, too.
    client.on("error", () => {})
    this.#client = client
  }

  connect() {
    this.#client?.connect()
  }

  /** Tries now what would be tried later: the reader asked. */
  hurry() {
    this.#client?.disconnect()
    this.#client?.connect()
  }

  stop() {
    const client = this.#client
    this.#client = undefined
    this.#arrived.clear()
    client?.removeAllListeners()
    client?.disconnect()
  }

  /**
   * @param {string} room
   * @param {Position | undefined} since where to go on, for a room whose messages are here
   */
  join(room, since) {
    const client = this.#client
    if (client === undefined || this.#subscriptions.has(room)) return
    const subscription = client.newSubscription(room, since === undefined ? {} : { since })
    this.#subscriptions.set(room, subscription)
    subscription.on("subscribed", (context) => void this.#subscribed(room, subscription, context))
    subscription.on("publication", (context) => this.#publication(room, context))
    subscription.on("unsubscribed", ({ code, reason }) => {
      if (code === disconnectCalled) return
      const words = code === 103 ? "This room is private: you may not enter it." : `The room was closed: ${reason}.`
      this.#options.happened(room, { type: "refused", reason: words })
    })
    subscription.on("error", () => {})
    subscription.subscribe()
  }

  /** @param {string} room */
  leave(room) {
    const subscription = this.#subscriptions.get(room)
    if (subscription === undefined) return
    this.#subscriptions.delete(room)
    subscription.removeAllListeners()
    this.#client?.removeSubscription(subscription)
  }

  /** @param {string} room @param {object} data @returns {Promise<unknown> | undefined} */
  publish(room, data) {
    const subscription = this.#subscriptions.get(room)
    return subscription?.state === this.#options.Centrifuge.SubscriptionState.Subscribed
      ? subscription.publish(data)
      : undefined
  }

  /**
   * @param {string} room
   * @param {number} [before] a position; without it the newest page
   * @param {string} [epoch] the log that the position is of
   */
  async page(room, before, epoch = "") {
    const subscription = this.#subscriptions.get(room)
    if (subscription === undefined) throw new Error("The room was left")
    const { publications, ...position } = await subscription.history({
      limit: pageSize,
      reverse: true,
      ...(before === undefined ? {} : { since: { offset: before, epoch } })
    })
    this.#tell()
    return { messages: readPublications(publications), epoch: position.epoch, head: position.offset }
  }

  /** @param {string} room @param {PublicationContext} context */
  #publication(room, context) {
    const message = readPublication(context)
    if (message === undefined) return
    const arrived = this.#arrived.get(room)
    if (arrived === undefined) this.#arrived.set(room, [message])
    else arrived.push(message)
    if (this.#isTelling) return
    this.#isTelling = true
    this.#options.soon(() => this.#tell())
  }

  /** What has arrived, before anything that happened after it. */
  #tell() {
    this.#isTelling = false
    const arrived = [...this.#arrived]
    this.#arrived.clear()
    if (this.#client === undefined) return
    for (const [room, messages] of arrived) this.#options.received(room, messages)
  }

  /** @param {string} room @param {Subscription} subscription @param {SubscribedContext} context */
  async #subscribed(room, subscription, context) {
    this.#tell()
    const { happened, headOf, ready } = this.#options
    const { epoch = "", offset: head = 0 } = context.streamPosition ?? {}
    const known = headOf(room)
    if (context.wasRecovering && !context.recovered) happened(room, { type: "log replaced", epoch, head })
    happened(room, { type: "subscribed", epoch, head })
    if (context.wasRecovering && context.recovered && this.#wasLive) {
      // Asked for before anything is sent, so that nothing of this page's own counts as missed.
      const where = subscription.history({ limit: 0 }).catch(() => undefined)
      ready(room)
      const position = await where
      this.#tell()
      if (position !== undefined) happened(room, { type: "gap filled", after: known, upTo: position.offset })
    } else ready(room)
  }

  /** @param {DisconnectedContext} context */
  async #ended({ code, reason }) {
    this.#tell()
    const { became, speaker } = this.#options
    if (code === disconnectCalled) return
    // Another page of this login may have had a new token meanwhile, which ended ours: a new one tells.
    if (code === badToken && speaker.kind === "account" && !this.#renewed) {
      this.#renewed = true
      became({ phase: "reconnecting" })
      if (await speaker.renew()) {
        this.#client?.setToken("")
        this.#client?.connect()
        return
      }
    }
    if (this.#client === undefined) return
    if (code === loggedOut || code === badToken || code === noToken) {
      speaker.end()
      became({ phase: "ended", why: "signed out", words: "You were signed out, here or on another device." })
    } else if (membersOnly.has(code)) {
      became({ phase: "ended", why: "members only", words: "This chat is for members: sign in to read and to write." })
    } else {
      const words = closedFor.get(code) ?? `The server closed this connection for good (${code}, ${reason}).`
      became({ phase: "ended", why: "closed", words })
    }
  }
}
