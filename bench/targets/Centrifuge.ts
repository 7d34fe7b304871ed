import { join } from "node:path"
import { goProgram } from "../../test/servers/GoProgram.ts"
import { freePorts } from "../server/freePorts.ts"
import type { Delivery, Target, Wire } from "../Target.ts"

interface Push {
  readonly channel: string
  readonly pub?: {
    readonly data: { readonly from: string; readonly message: string }
    readonly offset: number
  }
}
interface Value {
  readonly id?: number
  readonly error?: { readonly code: number; readonly message: string }
  readonly push?: Push
}

/** Nobody waits for a reply to one publication: they come in order. */
const publishId = 3

/** Centrifugo's client protocol in JSON: connect and subscribe in one frame, then publish. */
export const centrifugeWire: Wire = {
  path: () => "/connection/websocket",
  holds: "lines",
  hello: (room) =>
    `${JSON.stringify({ id: 1, connect: {} })}\n${JSON.stringify({ id: 2, subscribe: { channel: room } })}`,
  opening: (text) => {
    const { error, id }: Value = JSON.parse(text)
    if (error !== undefined) throw new Error(`The server refused: ${text}`)
    return { open: id === 2 }
  },
  encode: (from, message, date, room) =>
    JSON.stringify({ id: publishId, publish: { channel: room, data: { from, message, date } } }),
  decode: (text, room): Delivery | undefined => {
    if (text === "{}") return undefined
    const { error, id, push }: Value = JSON.parse(text)
    if (id === publishId && error === undefined) return undefined
    if (push?.channel !== room || push.pub === undefined) throw new Error("No publication of the room.")
    const { data, offset } = push.pub
    return { from: data.from, message: data.message, seq: offset }
  },
  answer: (text) => (text === "{}" ? "{}" : undefined)
}

const source = join(import.meta.dirname, "../peers/centrifuge")

/** The engine of Centrifugo, its history in memory. */
const centrifuge = (name: string, label: string, env: Readonly<Record<string, string>>, program: string): Target => ({
  name,
  label,
  wire: centrifugeWire,
  plan: async () => {
    const [port = 0] = await freePorts(1)
    return {
      program,
      env: { PORT: String(port), ...env },
      readyUrl: `http://127.0.0.1:${port}/`,
      socketPort: port
    }
  }
})

/** As it comes, and where it gathers what a socket gets for 10 ms. Why there is none is a clause. */
export const centrifuges = async (): Promise<ReadonlyArray<Target> | { readonly missing: string }> => {
  const program = await goProgram(source)
  if (typeof program !== "string") return program
  return [
    centrifuge("centrifuge", "Centrifuge (in memory)", {}, program),
    centrifuge("centrifuge-10ms", "Centrifuge (in memory, 10 ms write delay)", { WRITE_DELAY_MS: "10" }, program)
  ]
}
