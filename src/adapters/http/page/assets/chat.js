// @ts-check
import { Line } from "./connection/line.js"
import { Outbox } from "./connection/outbox.js"
import { firstOf } from "./store/room.js"
import { authorOf, initialState, roomIn } from "./store/state.js"
import { Store } from "./store/store.js"

/** @import { Session } from "./connection/session.js" */
/** @import { Message, RoomEvent } from "./store/room.js" */
/** @import { Me } from "./store/state.js" */

/**
 * @typedef {object} Remembered What of an earlier visit is taken up.
 * @property {string} guestName
 * @property {readonly { name: string, read: number }[]} rooms
 * @property {Readonly<Record<string, string>>} drafts by room
 * @property {readonly { room: string, id: string, text: string, at: number, author: string }[]} outbox
 * @property {readonly string[]} own
 */

/**
 * What the page does: it turns what the reader wants and what the line says into events of the store. Views read the store and call this.
 */
export class Chat {
  /** @type {Store} */
  store
  /** @type {string} */
  guestName
  #options
  /** @type {Line | undefined} */
  #line
  #outbox
  /** @type {Set<string>} Rooms whose newest page is asked for. */
  #asking = new Set()
  /** The newest message may be seen: the page is in sight. */
  #inSight = () => true

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {Remembered} options.remembered
   * @param {Session} options.session
   * @param {typeof import("centrifuge").Centrifuge} options.Centrifuge
   * @param {readonly string[]} options.addresses of the socket, the first choice first
   * @param {() => string} options.makeId
   * @param {() => number} options.now milliseconds since 1970
   * @param {() => boolean} options.inSight
   * @param {(run: () => void) => unknown} options.soon
   * @param {(ms: number) => Promise<void>} options.pause
   */
  constructor(options) {
    this.#options = options
    this.#inSight = options.inSight
    const { remembered } = options
    this.guestName = remembered.guestName
    this.store = new Store(initialState({ kind: "guest", name: this.guestName }, options.room))
    for (const { name, read } of remembered.rooms) {
      if (name !== options.room) this.#joined(name, read)
    }
    const draft = remembered.drafts[options.room]
    if (draft !== undefined) this.draft(draft)
    this.store.dispatch({ type: "own remembered", ids: remembered.own })
    for (const { room, ...written } of remembered.outbox) {
      this.#joined(room, -1)
      this.#happened(room, { type: "wrote", ...written })
      this.draft(remembered.drafts[room] ?? "", room)
    }
    this.#outbox = new Outbox({
      next: (room) => this.#room(room).outbox.find(({ state }) => state === "pending"),
      publish: (room, { author, id, text }) =>
        this.#line?.publish(room, { id, message: text, from: author.slice(author.indexOf(":") + 1) }),
      sent: (room, id) => this.#happened(room, { type: "sent", id }),
      failed: (room, id, reason, retryable) => this.#happened(room, { type: "failed", id, reason, retryable }),
      pause: options.pause
    })
  }

  get state() {
    return this.store.state
  }

  /** The login of an earlier visit first, then the line: who is logged in does not appear as a guest in between. */
  async start() {
    await this.#options.session.restore()
    this.speakAnew()
  }

  /** Somebody speaks from now on, or somebody else (login, logout): a new line, that goes on where the old one was. */
  speakAnew() {
    const { session, Centrifuge, addresses, soon } = this.#options
    this.#line?.stop()
    this.#outbox.reset()
    this.#asking.clear()
    /** @type {Me} */
    const me =
      session.account === undefined
        ? { kind: "guest", name: this.guestName }
        : { kind: "account", name: session.account }
    this.store.dispatch({ type: "line changed", line: { phase: "connecting" } })
    // A login of an earlier visit whose renewal found no server yet is still a login: nobody becomes a guest by that.
    const isAccount = session.expected
    if (!isAccount || session.account !== undefined) this.store.dispatch({ type: "spoke as", me })
    const line = new Line({
      Centrifuge,
      addresses,
      soon,
      speaker: {
        kind: isAccount ? "account" : "guest",
        token: () => this.#token(),
        renew: async () => (await session.renew()) === "renewed",
        end: () => session.end()
      },
      became: (state) => {
        if (line === this.#line) this.store.dispatch({ type: "line changed", line: state })
      },
      happened: (room, event) => {
        if (line !== this.#line) return
        this.#happened(room, event)
        if (event.type === "log replaced") void this.#loadPage(room)
      },
      received: (room, messages) => this.#received(room, messages),
      ready: (room) => {
        if (room === this.state.room) void this.#loadPage(room)
        void this.#outbox.pump(room)
      },
      headOf: (room) => this.#room(room).head
    })
    this.#line = line
    for (const name of this.state.order) this.#subscribe(name)
    line.connect()
  }

  hurry() {
    if (this.state.line.phase === "ended") this.speakAnew()
    else this.#line?.hurry()
  }

  /** @param {string} name */
  enter(name) {
    this.#joined(name, -1)
    this.store.dispatch({ type: "room opened", room: name })
    void this.#loadPage(name)
    this.#read()
  }

  /** @param {string} name */
  leave(name) {
    if (name === this.state.room) return
    this.#line?.leave(name)
    this.store.dispatch({ type: "room left", room: name })
  }

  /** @param {string} text */
  post(text) {
    const { makeId, now } = this.#options
    const { me, room } = this.state
    // A lone surrogate is no text: no encoder of UTF-8 takes it.
    this.#happened(room, { type: "wrote", id: makeId(), text: text.toWellFormed(), at: now(), author: authorOf(me) })
    this.#read()
    void this.#outbox.pump(room)
  }

  /** @param {string} id */
  retry(id) {
    const { me, room } = this.state
    this.#happened(room, { type: "retried", id, author: authorOf(me) })
    void this.#outbox.pump(room)
  }

  /** @param {string} id */
  discard(id) {
    this.#happened(this.state.room, { type: "discarded", id })
  }

  /** @param {string} text @param {string} [room] */
  draft(text, room = this.state.room) {
    this.#happened(room, { type: "drafted", text })
  }

  /** @param {boolean} atEnd the newest message is in sight */
  moved(atEnd) {
    const { room } = this.state
    if (this.#room(room).atEnd !== atEnd || atEnd)
      this.#happened(room, { type: "moved", atEnd, watched: this.#inSight() })
  }

  /** The page came into sight. */
  looked() {
    this.#read()
  }

  async older() {
    const name = this.state.room
    const room = this.#room(name)
    const line = this.#line
    if (room.older === "loading" || room.page !== "ready" || firstOf(room) <= 1 || line === undefined) return
    this.#happened(name, { type: "older asked for" })
    const page = await line.page(name, firstOf(room), room.epoch).catch(() => undefined)
    this.#happened(
      name,
      page === undefined ? { type: "older failed" } : { type: "older came", messages: page.messages }
    )
  }

  /** The newest page, again: it could not be had. */
  reload() {
    return this.#loadPage(this.state.room)
  }

  /** @param {string} name */
  nameGuest(name) {
    this.guestName = name.trim() === "" ? "guest" : name.trim()
    if (this.state.me.kind === "guest")
      this.store.dispatch({ type: "spoke as", me: { kind: "guest", name: this.guestName } })
  }

  async #token() {
    const { session } = this.#options
    const credentials = await session.credentials()
    if (credentials.kind === "token") {
      const name = session.account
      if (name !== undefined && this.state.me.name !== name)
        this.store.dispatch({ type: "spoke as", me: { kind: "account", name } })
      return credentials.token
    }
    throw Object.assign(new Error("No token could be had"), { ended: credentials.kind !== "unavailable" })
  }

  /** @param {string} name */
  async #loadPage(name) {
    const room = this.#room(name)
    const line = this.#line
    if (room.page === "ready" || this.#asking.has(name) || room.epoch === undefined || line === undefined) return
    this.#asking.add(name)
    this.#happened(name, { type: "page asked for" })
    try {
      const page = await line.page(name)
      if (line !== this.#line) return
      this.#happened(name, { type: "page came", ...page })
      if (name === this.state.room) this.#read()
    } catch {
      if (line === this.#line) this.#happened(name, { type: "page failed" })
    } finally {
      if (line === this.#line) this.#asking.delete(name)
    }
  }

  /** @param {string} room @param {Message[]} messages */
  #received(room, messages) {
    this.#happened(room, { type: "received", messages, watched: room === this.state.room && this.#inSight() })
  }

  #read() {
    const { atEnd } = this.#room(this.state.room)
    if (atEnd && this.#inSight()) this.#happened(this.state.room, { type: "moved", atEnd, watched: true })
  }

  /** @param {string} name @param {number} read */
  #joined(name, read) {
    if (this.state.rooms[name] !== undefined) return
    const before = this.state.order
    this.store.dispatch({ type: "room joined", room: name, read, draft: this.#options.remembered.drafts[name] ?? "" })
    for (const other of before) if (!this.state.order.includes(other)) this.#line?.leave(other)
    this.#subscribe(name)
  }

  /** @param {string} name */
  #subscribe(name) {
    const { epoch, head, page } = this.#room(name)
    this.#line?.join(name, page === "ready" && epoch !== undefined ? { offset: head, epoch } : undefined)
  }

  /** @param {string} name */
  #room(name) {
    return roomIn(this.state, name)
  }

  /** @param {string} room @param {RoomEvent} event */
  #happened(room, event) {
    this.store.dispatch({ type: "in room", room, event })
  }
}
