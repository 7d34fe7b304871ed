// @ts-check
/** @import { Message } from "./frames.js" */

/**
 * @typedef {object} Outgoing A message of this page that the log does not show yet.
 * @property {string} id
 * @property {string} message
 * @property {string} date
 * @property {"sending" | "rejected"} state
 * @property {string} reason why it was rejected, in words
 * @property {boolean} retryable
 */

/** @typedef {{ key: number, text: string, after: number }} Notice A line of the server's to this page alone, shown after a position. */

/** While the reader follows the newest message, so many are kept. Older ones come back from history. */
export const keptWhileFollowing = 500
/** While he reads older ones, so many. Beyond it the oldest go. */
export const keptAtMost = 5000
/** Notices kept; the oldest go. */
export const keptNotices = 20

/**
 * What this page knows of one room: a run of its log without a hole, and what it sent that is not in it yet.
 * The log's order is the only order; a position is shown once.
 */
export class Timeline {
  /** @type {Message[]} Oldest first; positions follow one another unless a message says `gap`. */
  messages = []
  /** @type {Map<string, Outgoing>} By id, in the order they were written. */
  outgoing = new Map()
  /** @type {Notice[]} */
  notices = []
  /** The reader is at the newest message: old ones may be let go. */
  following = true

  /** @type {Set<string>} Ids this page sent: a guest's own messages are known by nothing else. */
  #mine = new Set()
  #noticeKey = 0
  /** The position after which a hole was seen, or -1. */
  #hole = -1

  /** The oldest position here, 0 if there is none. */
  get first() {
    return this.messages[0]?.seq ?? 0
  }

  /** The newest position here, 0 if there is none. */
  get last() {
    return this.messages.at(-1)?.seq ?? 0
  }

  /**
   * Takes a message from the socket.
   * `hole`: positions before it are missing; it was not taken, and the socket must resume after `last`. If the very same hole shows
   * again after that, the log itself no longer has what is missing: then the message is taken and marked.
   * @param {Message} message
   * @returns {"new" | "known" | "hole"}
   */
  receive(message) {
    const { last } = this
    if (message.seq <= last) {
      this.#settle(message.id)
      return "known"
    }
    const dense = last === 0 || message.seq === last + 1
    if (!dense && this.#hole !== last) {
      this.#hole = last
      return "hole"
    }
    this.#hole = -1
    this.#settle(message.id)
    this.messages.push(dense ? message : { ...message, gap: true })
    this.#trim()
    return "new"
  }

  /**
   * Puts an older page before the first message. A page that does not end right before it is not taken.
   * @param {readonly Message[]} page oldest first
   * @returns {number} how many were taken
   */
  prepend(page) {
    const older = page.filter((message) => message.seq < this.first)
    if (older.at(-1)?.seq !== this.first - 1) return 0
    this.following = false
    this.messages = [...older, ...this.messages]
    return older.length
  }

  /**
   * @param {string} id
   * @param {string} message
   * @param {string} date
   * @returns {Outgoing}
   */
  write(id, message, date) {
    /** @type {Outgoing} */
    const outgoing = { id, message, date, state: "sending", reason: "", retryable: false }
    this.#mine.add(id)
    this.outgoing.set(id, outgoing)
    return outgoing
  }

  /** What was written and is neither in the log nor rejected, in the order it was written. */
  unconfirmed() {
    return [...this.outgoing.values()].filter((outgoing) => outgoing.state === "sending")
  }

  /**
   * The server already had the message at `seq`. Its copy is here, or on its way.
   * @param {string} id
   * @param {number} seq
   */
  acknowledge(id, seq) {
    if (seq <= this.last) this.#settle(id)
  }

  /**
   * @param {string} id
   * @param {string} reason
   * @param {boolean} retryable
   */
  reject(id, reason, retryable) {
    const outgoing = this.outgoing.get(id)
    if (outgoing === undefined) return
    this.outgoing.set(id, { ...outgoing, state: "rejected", reason, retryable })
  }

  /**
   * A rejected message is to be sent again, with the same id.
   * @param {string} id
   * @returns {Outgoing | undefined}
   */
  retry(id) {
    const outgoing = this.outgoing.get(id)
    if (outgoing === undefined || outgoing.state !== "rejected") return undefined
    /** @type {Outgoing} */
    const again = { ...outgoing, state: "sending", reason: "", retryable: false }
    this.outgoing.set(id, again)
    return again
  }

  /** @param {string} id */
  discard(id) {
    this.outgoing.delete(id)
  }

  /** @param {string} text */
  notice(text) {
    this.#noticeKey += 1
    this.notices = [...this.notices, { key: this.#noticeKey, text, after: this.last }].slice(-keptNotices)
  }

  /**
   * The log is another one than before (a restore, say): its positions mean nothing here any more. What was not confirmed stays.
   */
  reset() {
    this.messages = []
    this.notices = []
    this.#hole = -1
  }

  /**
   * Whether this page's reader wrote it.
   * @param {Message} message
   * @param {string | undefined} account the username he is logged in with
   */
  isMine(message, account) {
    return message.guest ? this.#mine.has(message.id) : account !== undefined && message.from === account
  }

  /** @param {string} id */
  #settle(id) {
    this.outgoing.delete(id)
  }

  #trim() {
    const kept = this.following ? keptWhileFollowing : keptAtMost
    // In steps of a hundred: a shift a message would cost more than it frees.
    if (this.messages.length >= kept + 100) this.messages = this.messages.slice(-kept)
  }
}
