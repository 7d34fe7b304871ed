// @ts-check

/** Where a reader goes who names no room. */
export const defaultRoom = "lobby"

const roomPattern = /^\$?[A-Za-z0-9_.:-]{1,64}$/

/** @param {string} room */
export const isRoomName = (room) => roomPattern.test(room)

/**
 * The room that a page's address names: `/chat/<room>`, or `?room=` as addresses of earlier releases do. A room's name stands in a path as
 * it is: the server has no path with an escape in it.
 * @param {{ pathname: string, search: string }} page `location`
 * @returns {{ room: string, wrong?: string }} `wrong`: what was asked for is no room's name
 */
export const roomOf = ({ pathname, search }) => {
  const asked = /^\/chat\/([^/]+)\/?$/.exec(pathname)?.[1] ?? new URLSearchParams(search).get("room") ?? ""
  if (asked === "") return { room: defaultRoom }
  return isRoomName(asked) ? { room: asked } : { room: defaultRoom, wrong: asked }
}

/** @param {string} room */
export const pageOf = (room) => (room === defaultRoom ? "/chat" : `/chat/${room}`)

/**
 * Where the socket may be, the first choice first. Reached directly, the socket port comes first and the page's own port, which takes
 * WebSockets too, is what is left where only one port is open. Behind a proxy (another port, or TLS) only the page's own origin is known.
 * A name that a CSP cannot hold (an IPv6 literal) has the own origin alone too.
 * @param {{ protocol: string, hostname: string, port: string, host: string }} page `location`
 * @param {{ apiPort: number, socketPort: number }} ports
 * @returns {string[]}
 */
export const socketOrigins = (page, ports) => {
  const secure = page.protocol === "https:"
  const own = `${secure ? "wss" : "ws"}://${page.host}`
  const port = page.port === "" ? (secure ? 443 : 80) : Number(page.port)
  const direct = !secure && port === ports.apiPort && !page.hostname.startsWith("[")
  return direct && ports.socketPort !== ports.apiPort ? [`ws://${page.hostname}:${ports.socketPort}`, own] : [own]
}
