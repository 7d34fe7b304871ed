import { Effect } from "effect"
import { MemorySocket } from "../../src/adapters/memory/MemorySocket.ts"
import type { SocketClose } from "../../src/adapters/memory/MemorySocket.ts"
import { jsonCodec } from "../../src/adapters/ws/centrifuge/JsonCodec.ts"
import { protocolMessages } from "../../src/adapters/ws/centrifuge/ProtocolMessages.ts"
import { ChatSockets } from "../../src/adapters/ws/ChatSockets.ts"
import { RoomName } from "../../src/domain/Room.ts"
import { namedBy } from "./DocumentedMessages.ts"
import type { Opening } from "../../src/adapters/ws/Engine.ts"

/** What a test looks at of a value that came. */
export interface Value {
  readonly id?: number
  readonly connect?: { readonly client: string }
  readonly push?: {
    readonly channel: string
    readonly pub?: { readonly offset: number }
    readonly unsubscribe?: object
  }
}

const nameOf = namedBy(protocolMessages)
const address = "192.0.2.1"

/** A client of Centrifugo's protocol in memory, connected; `token` makes it an account's. */
export const protocolClient = (token?: string) =>
  Effect.gen(function* () {
    const sockets = yield* ChatSockets
    const came: Array<Value> = []
    const closes: Array<SocketClose> = []
    const socket = new MemorySocket({
      text: (text) => {
        for (const line of text.split("\n")) {
          const value = JSON.parse(line) as Value
          if (nameOf(value) === "ping") socket.send("{}")
          came.push(value)
        }
      },
      closed: (close) => void closes.push(close)
    })
    socket.listen(sockets.acceptCentrifuge(socket, { address, codec: jsonCodec, token: undefined }))
    const gets = (isIt: (value: Value) => boolean) =>
      Effect.gen(function* () {
        for (;;) {
          const found = came.find(isIt)
          if (found !== undefined) return found
          yield* Effect.yieldNow
        }
      })
    let lastId = 0
    /** The reply to one command. */
    const asks = (command: Readonly<Record<string, unknown>>) => {
      lastId += 1
      const id = lastId
      socket.send(JSON.stringify({ id, ...command }))
      return gets((value) => value.id === id)
    }
    const { connect } = yield* asks({ connect: token === undefined ? {} : { token } })
    return { id: connect?.client ?? "", asks, gets, came, closes }
  })

/** A client of the classic wire in memory; what it got, and how it ended. */
export const classicClient = (room: string, opening: Partial<Pick<Opening, "token" | "roomToken">> = {}) =>
  Effect.gen(function* () {
    const sockets = yield* ChatSockets
    const came: Array<unknown> = []
    const closes: Array<SocketClose> = []
    const socket = new MemorySocket({
      text: (text) => void came.push(JSON.parse(text)),
      closed: (close) => void closes.push(close)
    })
    const all = { address, token: undefined, since: 0, epoch: undefined, history: undefined, ...opening }
    socket.listen(sockets.acceptClassic(socket, { ...all, room: RoomName.make(room) }))
    const until = (isSo: () => boolean) =>
      Effect.gen(function* () {
        while (!isSo()) yield* Effect.yieldNow
      })
    return { closes, came, until, send: (frame: object) => socket.send(JSON.stringify(frame)) }
  })
