import type { Duplex } from "node:stream"

/** So long a peer has to take the reply and to leave. */
const lingerMillis = 2_000

/**
 * The last words on a socket that asked for an upgrade and gets none. From then on nobody looks after it: `node:http` has let go of it, and lets peers hold their half open. What it still
 * sends is discarded, since unread it would hold the socket for ever, or reset it before the reply was read; and it is gone with the peer, or when the time is up.
 */
export const lastReply = (socket: Duplex, reply: string, linger = lingerMillis): void => {
  const timer = setTimeout(() => socket.destroy(), linger)
  timer.unref()
  socket.once("close", () => clearTimeout(timer))
  socket.on("error", () => socket.destroy())
  socket.resume()
  socket.end(reply)
}
