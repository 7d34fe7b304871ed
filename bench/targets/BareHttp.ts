import type { Target } from "../Target.ts"
import { peerPlan } from "./Peer.ts"

/** `node:http` and nothing else: what a route can reach at most. It takes no WebSockets. */
export const bareHttp: Target = {
  name: "http",
  label: "node:http (bare)",
  wire: { path: () => "/", encode: () => "", decode: () => undefined },
  plan: () => peerPlan("bare.ts")
}
