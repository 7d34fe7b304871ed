import type { Delivery, Target } from "../Target.ts"
import { peerPlan } from "./Peer.ts"

/** A broadcast as the documentation of `ws` shows it, in memory. */
export const plainWs: Target = {
  name: "ws",
  label: "ws (in memory)",
  wire: {
    path: () => "/",
    encode: (from, message, date) => JSON.stringify({ from, message, date }),
    decode: (text): Delivery => {
      const { from, message }: { readonly from: string; readonly message: string } = JSON.parse(text)
      return { from, message, seq: undefined }
    }
  },
  plan: () => peerPlan("ws.ts")
}
