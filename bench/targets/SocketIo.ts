import type { Delivery, Target, Wire } from "../Target.ts"
import { peerPlan } from "./Peer.ts"

type Packet = readonly [string, { readonly from: string; readonly message: string }]

/**
 * Socket.IO 4 (protocol 5) over WebSocket alone (Engine.IO protocol 4), by hand: `0` open, `2` ping, `3` pong, `4` message; in a message `0` connect, `2` event.
 * https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/
 */
export const socketIoWire: Wire = {
  path: () => "/socket.io/?EIO=4&transport=websocket",
  opening: (text) => (text.startsWith("0{") ? { reply: "40", open: false } : { open: text.startsWith("40") }),
  encode: (from, message, date) => `42${JSON.stringify(["message", { from, message, date }])}`,
  decode: (text): Delivery | undefined => {
    if (text === "2") return undefined
    if (!text.startsWith("42")) throw new Error("Not an event.")
    const [name, { from, message }]: Packet = JSON.parse(text.slice(2))
    if (name !== "message") throw new Error("Another event.")
    return { from, message, seq: undefined }
  },
  answer: (text) => (text === "2" ? "3" : undefined)
}

/** `io.emit`, tuned as its documentation on performance says, in memory. */
export const socketIo: Target = {
  name: "socketio",
  label: "Socket.IO (in memory)",
  wire: socketIoWire,
  plan: () => peerPlan("socketio.ts")
}

/** `io.to(room).emit`, tuned likewise. */
export const socketIoRooms: Target = {
  ...socketIo,
  wire: { ...socketIoWire, path: (room) => `${socketIoWire.path(room)}&room=${room}` },
  plan: () => peerPlan("socketio-rooms.ts")
}
