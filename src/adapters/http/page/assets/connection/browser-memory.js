/** What the browser keeps between visits: nothing secret. A browser that keeps nothing is a browser that forgets. */

/** @param {Storage | undefined} storage */
const keeper = (storage) => ({
  get: (key) => {
    try {
      return JSON.parse(storage.getItem(key))
    } catch {
      return null
    }
  },
  set: (key, value) => {
    try {
      if (value === null) storage.removeItem(key)
      else storage.setItem(key, JSON.stringify(value))
    } catch {
      // Forbidden by the reader's settings, or full.
    }
  }
})

const storageOf = (name) => {
  try {
    return globalThis[name]
  } catch {
    return undefined
  }
}

/** Of all pages of this browser. */
export const shared = keeper(storageOf("localStorage"))
/** Of this page, over its reloads. */
export const mine = keeper(storageOf("sessionStorage"))

const isText = (value) => typeof value === "string"
const list = (value) => (Array.isArray(value) ? value : [])
const record = (value) => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : {})

const keys = {
  guest: "parley.guest",
  rooms: "parley.rooms",
  drafts: "parley.drafts",
  outbox: "parley.outbox",
  own: "parley.own"
}

/** What of an earlier visit is taken up; whatever stands there, only what fits. */
export const remembered = ({ isRoomName, guestName }) => {
  const guest = shared.get(keys.guest)
  return {
    guestName: isText(guest) && guest.trim() !== "" ? guest : guestName,
    rooms: list(shared.get(keys.rooms))
      .map(record)
      .filter(({ name, read }) => isText(name) && isRoomName(name) && Number.isSafeInteger(read)),
    drafts: Object.fromEntries(Object.entries(record(shared.get(keys.drafts))).filter(([, text]) => isText(text))),
    outbox: list(mine.get(keys.outbox))
      .map(record)
      .filter(
        ({ room, id, text, at, author }) =>
          isText(room) && isRoomName(room) && isText(id) && isText(text) && isText(author) && Number.isFinite(at)
      ),
    own: list(mine.get(keys.own)).filter(isText)
  }
}

/** What changes with every message, and every key that is pressed, is written down so much later at most. Milliseconds. */
const writtenAfter = 500

/** What is to be written down yet, by key. */
const unwritten = new Map()
let writing
const writeDown = () => {
  clearTimeout(writing)
  writing = undefined
  for (const [key, read] of unwritten) shared.set(key, read())
  unwritten.clear()
}
const later = (key, read) => {
  unwritten.set(key, read)
  writing ??= setTimeout(writeDown, writtenAfter)
}
globalThis.addEventListener("pagehide", writeDown)

/** Keeps what changed; drafts, and what waits to be sent, outlive a reload. */
export const remember = (state, before) => {
  if (state.rooms === before.rooms && state.order === before.order) return
  const rooms = state.order.map((name) => state.rooms[name])
  const was = before.order.map((name) => before.rooms[name])
  const differ = (read) => rooms.length !== was.length || rooms.some((room, index) => read(room) !== read(was[index]))
  if (differ(({ read }) => read) || differ(({ name }) => name)) {
    later(keys.rooms, () => rooms.map(({ name, read }) => ({ name, read })))
  }
  if (differ(({ draft }) => draft)) {
    const written = rooms.filter(({ draft }) => draft !== "")
    later(keys.drafts, () => Object.fromEntries(written.map(({ name, draft }) => [name, draft])))
  }
  if (differ(({ outbox }) => outbox)) {
    const waiting = rooms.flatMap(({ name: room, outbox }) =>
      outbox
        .filter(({ state }) => state === "pending")
        .map(({ id, text, at, author }) => ({ room, id, text, at, author }))
    )
    mine.set(keys.outbox, waiting.length > 0 ? waiting : null)
  }
  if (state.own !== before.own) mine.set(keys.own, [...state.own].slice(-200))
}

/** Under which name a guest speaks here. */
export const rememberGuest = (name) => shared.set(keys.guest, name)
