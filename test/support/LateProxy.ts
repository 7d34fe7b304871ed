import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { Effect } from "effect"

/** A way to a server on which one message can get stuck. */
export interface LateProxy {
  readonly port: number
  /**
   * The next piece of what a client sends that has this text in it is held back, and everything after it on that connection, also when the
   * client gives up. `stuck` settles when it is held; `deliver` sends it on, and settles when the server has answered it.
   */
  readonly holdNext: (text: string) => { readonly stuck: Promise<void>; readonly deliver: () => Promise<void> }
  /** The server's answer to the next piece that has this text in it comes a byte at a time, so slowly that nobody waits for its end, and the connection never looks idle. */
  readonly dripAnswerTo: (text: string) => void
}

const dripMillis = 200

interface Hold {
  readonly text: string
  readonly stuck: () => void
  readonly pieces: Array<Buffer>
  upstream: Socket | undefined
}

/** Gone with its scope. */
export const lateProxy = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const holds: Array<Hold> = []
      const drips: Array<string> = []
      const sockets = new Set<Socket>()
      const server = createServer((client) => {
        const upstream = connect(port, "127.0.0.1")
        let held: Hold | undefined
        let isDripping = false
        for (const socket of [client, upstream]) {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => sockets.delete(socket))
        }
        client.on("data", (piece: Buffer) => {
          if (held === undefined && holds[0] !== undefined && piece.includes(holds[0].text)) {
            held = holds.shift()
            if (held !== undefined) held.upstream = upstream
            held?.stuck()
          }
          if (drips[0] !== undefined && piece.includes(drips[0])) {
            drips.shift()
            isDripping = true
          }
          if (held === undefined) upstream.write(piece)
          else held.pieces.push(piece)
        })
        upstream.on("data", (piece: Buffer) => {
          if (isDripping) drip(client, piece)
          else if (!client.destroyed) client.write(piece)
        })
        client.on("close", () => void (held ?? upstream.end()))
        upstream.on("close", () => client.destroy())
      }).listen(0, "127.0.0.1")
      await once(server, "listening")
      const holdNext: LateProxy["holdNext"] = (text) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const hold: Hold = { text, stuck: resolve, pieces: [], upstream: undefined }
        holds.push(hold)
        return {
          stuck: promise,
          deliver: async () => {
            await promise
            const { upstream } = hold
            if (upstream === undefined) return
            const answered = once(upstream, "data")
            upstream.write(Buffer.concat(hold.pieces.splice(0)))
            await answered
          }
        }
      }
      const dripAnswerTo = (text: string): void => void drips.push(text)
      const proxy: LateProxy = { port: (server.address() as AddressInfo).port, holdNext, dripAnswerTo }
      return { proxy, server, sockets }
    }),
    ({ server, sockets }) =>
      Effect.promise(async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, "close")
      })
  ).pipe(Effect.map(({ proxy }) => proxy))

const drip = (client: Socket, answer: Buffer): void => {
  let sent = 0
  const timer = setInterval(() => {
    client.write(answer.subarray(sent, ++sent))
  }, dripMillis)
  client.once("close", () => clearInterval(timer))
}
