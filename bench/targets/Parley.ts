import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePorts } from "../server/freePorts.ts"
import type { Delivery, Target, Wire } from "../Target.ts"

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
  decode: (text): Delivery => {
    const { from, message, seq, room }: ClassicMessage = JSON.parse(text)
    if (typeof seq !== "number" || room !== "bench") throw new Error("No position, or another room's.")
    return { from, message, seq }
  }
}

/** The product as `npm start` runs it, every message committed to SQLite, with no limit on how much one address may do. */
export const parley: Target = {
  name: "parley",
  label: "Parley (durable)",
  wire: classicWire,
  plan: async (directory) => {
    const [port = 0, socketPort = 0] = await freePorts(2)
    return {
      entry: fileURLToPath(new URL("../../src/main.ts", import.meta.url)),
      env: {
        APP_HOST: "127.0.0.1",
        APP_PORT: String(port),
        APP_PORT_SOCKET: String(socketPort),
        DATA_DIR: join(directory, "data"),
        LOG_FILE: join(directory, "chat_message.log"),
        MESSAGE_RATE: "0",
        RATE_LIMIT_PER_MINUTE: "0",
        SOCKETS_PER_IP: "0",
        SOCKETS_PER_USER: "0"
      },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      socketPort
    }
  }
}
