// @ts-check
/** The page's state is a fold over what happened: `evolve` is pure and total, and nothing else changes it. */
import { emptyRoom, evolveRoom, unreadIn } from "./room.js"

/** @import { Room, RoomEvent } from "./room.js" */

/** @typedef {{ kind: "guest" | "account", name: string }} Me */

/**
 * @typedef {{ phase: "connecting" | "live" | "reconnecting" }
 *   | { phase: "ended", why: "signed out" | "members only" | "closed", words: string }} Line
 * `ended`: the server said that coming back by itself is of no use.
 */

/**
 * @typedef {object} State
 * @property {Me} me
 * @property {Line} line
 * @property {boolean} online whether the browser has any network
 * @property {string} room the one that is open
 * @property {Readonly<Record<string, Room>>} rooms by name
 * @property {readonly string[]} order the names of the rooms that were joined, as they are listed
 * @property {ReadonlySet<string>} own ids that were written here: a guest's own messages are known by nothing else
 */

/**
 * @typedef {{ type: "spoke as", me: Me }
 *   | { type: "line changed", line: Line }
 *   | { type: "network changed", online: boolean }
 *   | { type: "room opened", room: string }
 *   | { type: "room joined", room: string, read: number, draft: string }
 *   | { type: "room left", room: string }
 *   | { type: "own remembered", ids: readonly string[] }
 *   | { type: "in room", room: string, event: RoomEvent }} Event
 */

/** Rooms listed; a further one takes the place of the one that was joined first. */
export const maxRooms = 50
/** Ids of one's own that are remembered; the oldest go. */
export const maxOwn = 1_000

/**
 * @param {Me} me
 * @param {string} room
 * @returns {State}
 */
export const initialState = (me, room) => ({
  me,
  line: { phase: "connecting" },
  online: true,
  room,
  rooms: { [room]: emptyRoom(room) },
  order: [room],
  own: new Set()
})

/** @param {Me} me */
export const authorOf = ({ kind, name }) => `${kind}:${name}`

/**
 * @param {State} state
 * @param {string} name
 * @returns {Room}
 */
export const roomIn = (state, name) => state.rooms[name] ?? emptyRoom(name)

/** @param {State} state messages in all rooms that were never in sight */
export const unreadInAll = (state) => state.order.reduce((sum, name) => sum + unreadIn(roomIn(state, name)), 0)

/**
 * Whether this page's reader wrote it.
 * @param {State} state
 * @param {{ kind: string, from: string, id: string, key?: string }} message
 */
export const isMine = ({ me, own }, message) =>
  message.kind === "account"
    ? me.kind === "account" && message.from === me.name
    : message.kind === "guest" && (message.key !== undefined || own.has(message.id))

/** @param {State} state @param {string} name @param {RoomEvent} event @returns {State} */
const inRoom = (state, name, event) => {
  const room = state.rooms[name]
  if (room === undefined) return state
  const next = evolveRoom(room, event)
  return next === room ? state : { ...state, rooms: { ...state.rooms, [name]: next } }
}

/** @param {State} state @param {string} name @returns {State} */
const without = (state, name) => {
  const { [name]: _, ...rooms } = state.rooms
  return { ...state, rooms, order: state.order.filter((other) => other !== name) }
}

/** @param {State} state @param {string} name @param {number} read @param {string} draft @returns {State} */
const joined = (state, name, read, draft) => {
  if (state.rooms[name] !== undefined) return state
  const oldest = state.order.find((other) => other !== state.room)
  const room = state.order.length >= maxRooms && oldest !== undefined ? without(state, oldest) : state
  return {
    ...room,
    rooms: { ...room.rooms, [name]: { ...emptyRoom(name, read), draft } },
    order: [...room.order, name]
  }
}

/**
 * @param {State} state
 * @param {Event} event
 * @returns {State}
 */
export const evolve = (state, event) => {
  switch (event.type) {
    case "spoke as": {
      const next = { ...state, me: event.me }
      return state.order.reduce(
        (all, name) => inRoom(all, name, { type: "author changed", author: authorOf(event.me) }),
        next
      )
    }
    case "line changed":
      return { ...state, line: event.line }
    case "network changed":
      return { ...state, online: event.online }
    case "room joined":
      return joined(state, event.room, event.read, event.draft)
    case "room opened": {
      if (event.room === state.room) return state
      const left = inRoom(state, state.room, { type: "left" })
      return inRoom({ ...joined(left, event.room, -1, ""), room: event.room }, event.room, { type: "opened" })
    }
    case "room left":
      return event.room === state.room ? state : without(state, event.room)
    case "own remembered":
      return { ...state, own: new Set([...state.own, ...event.ids].slice(-maxOwn)) }
    default: {
      const next = inRoom(state, event.room, event.event)
      return event.event.type === "wrote"
        ? { ...next, own: new Set([...next.own, event.event.id].slice(-maxOwn)) }
        : next
    }
  }
}
