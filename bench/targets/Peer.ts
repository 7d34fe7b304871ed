import { fileURLToPath } from "node:url"
import { freePorts } from "../server/freePorts.ts"
import type { ServerPlan } from "../Target.ts"

/** The plan of a server in `bench/peers`: it listens on `PORT` and answers 200 to every plain request. */
export const peerPlan = async (file: string): Promise<ServerPlan> => {
  const [port = 0] = await freePorts(1)
  return {
    entry: fileURLToPath(new URL(`../peers/${file}`, import.meta.url)),
    env: { PORT: String(port) },
    readyUrl: `http://127.0.0.1:${port}/`,
    socketPort: port
  }
}
