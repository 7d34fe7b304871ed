import type { Delivery, Target, Wire } from "../Target.ts"
import { peerPlan } from "./Peer.ts"

const wire: Wire = {
  path: () => "/",
  encode: (from, message, date) => JSON.stringify({ from, message, date }),
  decode: (text): Delivery => {
    const { from, message }: { readonly from: string; readonly message: string } = JSON.parse(text)
    return { from, message, seq: undefined }
  }
}

/** A broadcast as the documentation of `ws` shows it, in memory. */
export const plainWs: Target = { name: "ws", label: "ws (in memory)", wire, plan: () => peerPlan("ws.ts") }

/** The same with rooms: a Map of Sets, in memory. */
export const plainWsRooms: Target = {
  ...plainWs,
  wire: { ...wire, path: (room) => `/?room=${room}` },
  plan: () => peerPlan("ws-rooms.ts")
}
