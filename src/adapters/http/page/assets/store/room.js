// @ts-check
/** One room as this page knows it: a run of its log, and what was written here that the log does not show yet. */

/**
 * @typedef {object} Message A message at its place in the room's log.
 * @property {number} seq its position: 1, 2, 3 …
 * @property {string} id the id its author's client gave it, or one made by the server
 * @property {string} from
 * @property {string} text
 * @property {number} at milliseconds since 1970, the server's clock
 * @property {"account" | "guest" | "service"} kind whether anybody vouches for `from`
 * @property {string} [key] under which it was written here, so that its place on the screen stays its own
 */

/**
 * @typedef {object} Outgoing A message of this page that the log does not show yet.
 * @property {string} id
 * @property {string} text
 * @property {number} at milliseconds since 1970, this browser's clock
 * @property {string} author under which name it goes out: `account:<name>` or `guest:<name>`; under another it would be another message
 * @property {"pending" | "sent" | "failed"} state `sent`: stored, its copy is on the way
 * @property {string} reason why it failed, in words
 * @property {boolean} retryable sending it again may help
 */

/** @typedef {{ key: number, after: number, upTo: number, kind: "filled" | "replaced" }} Notice A line of this page's own, shown after a position. */

/**
 * @typedef {object} Room
 * @property {string} name
 * @property {string | undefined} epoch the log's identity
 * @property {number} head the newest position known
 * @property {number} read the newest position that was in sight
 * @property {number | undefined} divider new messages begin after this position
 * @property {Message[]} messages by position, oldest first
 * @property {Message | undefined} last the newest message that came
 * @property {Outgoing[]} outbox in the order they were written
 * @property {Notice[]} notices
 * @property {"idle" | "loading" | "ready" | "failed"} page its newest messages
 * @property {"idle" | "loading" | "failed"} older the messages before the first one here
 * @property {boolean} atEnd the newest message is in sight
 * @property {string} draft
 * @property {string} refused why this reader may not enter, in words
 */

/** While the reader is at the newest message so many are kept; older ones come back from the log. */
export const keptAtEnd = 2_000
/** While he reads further up, so many: beyond it the oldest go. */
export const keptAtMost = 20_000
/** Notices kept; the oldest go. */
export const keptNotices = 20
/** Messages of a room that wait to be sent. Beyond it a new one fails at once. */
export const keptOutgoing = 200

/**
 * @param {string} name
 * @param {number} [read]
 * @returns {Room}
 */
export const emptyRoom = (name, read = -1) => ({
  name,
  epoch: undefined,
  head: 0,
  read,
  divider: undefined,
  messages: [],
  last: undefined,
  outbox: [],
  notices: [],
  page: "idle",
  older: "idle",
  atEnd: true,
  draft: "",
  refused: ""
})

/** @param {Room} room how many messages were never in sight */
export const unreadIn = (room) => (room.read < 0 ? 0 : Math.max(0, room.head - room.read))

/** @param {Room} room the oldest position here, 0 where there is none */
export const firstOf = (room) => room.messages[0]?.seq ?? 0

/** @param {Room} room the newest position here, 0 where there is none */
const lastOf = (room) => room.messages.at(-1)?.seq ?? 0

/**
 * Where a position is, or would be, in a list of messages.
 * @param {readonly Message[]} messages
 * @param {number} seq
 */
export const indexOf = (messages, seq) => {
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((messages[middle]?.seq ?? 0) < seq) low = middle + 1
    else high = middle
  }
  return low
}

/** @param {Message} message @param {string} author */
const isBy = (message, author) => author === `${message.kind}:${message.from}`

/** @param {string} author @param {string} other whether what one wrote may go out while the other speaks: guests may rename themselves */
const speaksFor = (author, other) => author === other || (author.startsWith("guest:") && other.startsWith("guest:"))

/**
 * Puts messages at their places, each position once, and lets go what of them was waiting in the outbox.
 * @param {Room} room
 * @param {readonly Message[]} messages by position, oldest first
 * @returns {Room}
 */
const place = (room, messages) => {
  let { outbox } = room
  const keyed = messages.map((message) => {
    const mine = outbox.find(({ author, id }) => id === message.id && isBy(message, author))
    if (mine === undefined) return message
    outbox = outbox.filter((outgoing) => outgoing !== mine)
    return { ...message, key: mine.id }
  })
  const [first] = keyed
  if (first === undefined) return room
  const last = lastOf(room)
  if (first.seq > last) return { ...room, outbox, messages: [...room.messages, ...keyed] }
  const end = keyed.at(-1)?.seq ?? 0
  if (end < firstOf(room)) return { ...room, outbox, messages: [...keyed, ...room.messages] }
  const known = new Map(room.messages.map((message) => [message.seq, message]))
  for (const message of keyed) if (!known.has(message.seq)) known.set(message.seq, message)
  return { ...room, outbox, messages: [...known.values()].toSorted((a, b) => a.seq - b.seq) }
}

/** @param {Room} room @returns {Room} */
const trimmed = (room) => {
  const { length } = room.messages
  // In steps: a copy a message would cost more than it frees.
  if (room.atEnd && length > keptAtEnd * 1.25) return { ...room, messages: room.messages.slice(-keptAtEnd) }
  if (length > keptAtMost * 1.05) return { ...room, messages: room.messages.slice(-keptAtMost) }
  return room
}

/**
 * What happened in one room. Positions and words come in it; nothing here asks a clock.
 * @typedef {{ type: "subscribed", epoch: string, head: number }
 *   | { type: "refused", reason: string }
 *   | { type: "page asked for" }
 *   | { type: "page came", epoch: string, head: number, messages: Message[] }
 *   | { type: "page failed" }
 *   | { type: "older asked for" }
 *   | { type: "older came", messages: Message[] }
 *   | { type: "older failed" }
 *   | { type: "received", messages: Message[], watched: boolean }
 *   | { type: "gap filled", after: number, upTo: number }
 *   | { type: "log replaced", epoch: string, head: number }
 *   | { type: "wrote", id: string, text: string, at: number, author: string }
 *   | { type: "sent", id: string }
 *   | { type: "failed", id: string, reason: string, retryable: boolean }
 *   | { type: "retried", id: string, author: string }
 *   | { type: "discarded", id: string }
 *   | { type: "author changed", author: string }
 *   | { type: "drafted", text: string }
 *   | { type: "moved", atEnd: boolean, watched: boolean }
 *   | { type: "opened" }
 *   | { type: "left" }} RoomEvent
 */

/** @param {Room} room @param {string} id @param {Partial<Outgoing>} change */
const changeOutgoing = (room, id, change) => ({
  ...room,
  outbox: room.outbox.map((outgoing) => (outgoing.id === id ? { ...outgoing, ...change } : outgoing))
})

/** @param {Room} room everything that is known of it was in sight */
const allRead = (room) => (room.read === room.head ? room : { ...room, read: room.head })

/** @param {Room} room @param {number} after @param {number} upTo @param {Notice["kind"]} kind */
const noted = (room, after, upTo, kind) => ({
  ...room,
  notices: [...room.notices, { key: (room.notices.at(-1)?.key ?? 0) + 1, after, upTo, kind }].slice(-keptNotices)
})

/**
 * @param {Room} room
 * @param {RoomEvent} event
 * @returns {Room}
 */
export const evolveRoom = (room, event) => {
  switch (event.type) {
    case "subscribed":
      // Whoever enters a room for the first time has missed nothing in it.
      return {
        ...room,
        epoch: event.epoch,
        refused: "",
        head: Math.max(room.head, event.head),
        read: room.read < 0 ? event.head : Math.min(room.read, Math.max(room.head, event.head))
      }
    case "refused":
      return { ...room, refused: event.reason }
    case "page asked for":
      return { ...room, page: "loading" }
    case "page came": {
      const placed = place(room, event.messages)
      const read = placed.read < 0 ? event.head : placed.read
      return { ...placed, epoch: event.epoch, page: "ready", head: Math.max(room.head, event.head), read }
    }
    case "page failed":
      return { ...room, page: "failed" }
    case "older asked for":
      return { ...room, older: "loading" }
    case "older came":
      return { ...place(room, event.messages), older: "idle" }
    case "older failed":
      return { ...room, older: "failed" }
    case "received": {
      const last = event.messages.at(-1)
      if (last === undefined) return room
      const isLoaded = room.page === "ready" || room.page === "loading"
      const placed = isLoaded ? place(room, event.messages) : room
      const next = { ...placed, last, head: Math.max(room.head, last.seq) }
      if (event.watched && room.atEnd) return trimmed(allRead(next))
      return trimmed({ ...next, divider: room.divider ?? (room.read < 0 ? undefined : room.read) })
    }
    case "gap filled":
      return event.upTo > event.after ? noted(room, event.after, event.upTo, "filled") : room
    case "log replaced":
      return noted(
        {
          ...room,
          epoch: event.epoch,
          head: event.head,
          read: event.head,
          messages: [],
          notices: [],
          divider: undefined,
          page: "idle"
        },
        event.head,
        event.head,
        "replaced"
      )
    case "wrote": {
      /** @type {Outgoing} */
      const outgoing = {
        id: event.id,
        text: event.text,
        at: event.at,
        author: event.author,
        state: "pending",
        reason: "",
        retryable: true
      }
      const isFull = room.outbox.length >= keptOutgoing
      return {
        ...room,
        draft: "",
        divider: undefined,
        atEnd: true,
        outbox: [
          ...room.outbox,
          isFull ? { ...outgoing, state: "failed", reason: "Too many messages wait to be sent." } : outgoing
        ]
      }
    }
    case "sent": {
      const isHere = room.messages.findLast(({ id, key }) => key === event.id || id === event.id) !== undefined
      return isHere
        ? { ...room, outbox: room.outbox.filter(({ id, state }) => id !== event.id || state === "failed") }
        : changeOutgoing(room, event.id, { state: "sent" })
    }
    case "failed":
      return changeOutgoing(room, event.id, { state: "failed", reason: event.reason, retryable: event.retryable })
    case "retried":
      return changeOutgoing(room, event.id, { state: "pending", reason: "", author: event.author })
    case "discarded":
      return { ...room, outbox: room.outbox.filter(({ id }) => id !== event.id) }
    case "author changed":
      return {
        ...room,
        outbox: room.outbox.map((outgoing) =>
          outgoing.state === "pending" && !speaksFor(outgoing.author, event.author)
            ? { ...outgoing, state: "failed", reason: "This was not sent before you changed who you are." }
            : outgoing
        )
      }
    case "drafted":
      return room.draft === event.text ? room : { ...room, draft: event.text }
    case "moved": {
      const moved = room.atEnd === event.atEnd ? room : { ...room, atEnd: event.atEnd }
      return event.atEnd && event.watched ? allRead(moved) : moved
    }
    case "opened": {
      const unread = unreadIn(room)
      return { ...room, atEnd: true, divider: unread > 0 ? room.read : undefined }
    }
    default:
      return { ...room, divider: undefined, atEnd: true, older: "idle" }
  }
}
