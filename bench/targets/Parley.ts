import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePorts } from "../server/freePorts.ts"
import type { Delivery, Target, Wire } from "../Target.ts"
import type { OpenJournal } from "./Journals.ts"

interface ClassicMessage {
  readonly from: string
  readonly message: string
  readonly seq?: number
  readonly room?: string
}

/** Parley's classic wire: JSON in text frames, the same three fields both ways. */
export const classicWire: Wire = {
  path: (room) => `/message/v1/send?room=${room}`,
  encode: (from, message, date) => JSON.stringify({ from, message, date }),
  decode: (text, expected): Delivery => {
    const { from, message, seq, room }: ClassicMessage = JSON.parse(text)
    if (typeof seq !== "number" || room !== expected) throw new Error("No position, or another room's.")
    return { from, message, seq }
  }
}

/** Known, so that tokens can be made without a login: fixtures sign with it. */
export const signingSecret = "the benchmark's own signing secret, of no use elsewhere"

/** Where the server's embedded stores lie in its directory. */
export const dataDirectory = (directory: string): string => join(directory, "data")

/** The product as `npm start` runs it, every message committed before it is delivered, with no limit on how much one address or user may do. */
export const parleyOn = ({ env, label }: OpenJournal): Target => ({
  name: "parley",
  label: `Parley (${label})`,
  wire: classicWire,
  plan: async (directory) => {
    const [port = 0, socketPort = 0] = await freePorts(2)
    return {
      entry: fileURLToPath(new URL("../../src/main.ts", import.meta.url)),
      nodeOptions: ["--max-semi-space-size=16"],
      env: {
        APP_HOST: "127.0.0.1",
        APP_PORT: String(port),
        APP_PORT_SOCKET: String(socketPort),
        DATA_DIR: dataDirectory(directory),
        JWT_SECRET: signingSecret,
        LOG_FILE: join(directory, "chat_message.log"),
        LOGINS_PER_MINUTE: "0",
        MESSAGE_RATE: "0",
        RATE_LIMIT_PER_MINUTE: "0",
        SOCKETS_PER_IP: "0",
        SOCKETS_PER_USER: "0",
        ...env
      },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      socketPort
    }
  }
})
