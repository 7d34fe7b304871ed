import type { RunningServer } from "../server/ServerProcess.ts"
import type { Wire } from "../Target.ts"
import { ClientSocket } from "./ClientSocket.ts"
import { sleep } from "./sleep.ts"

/** How long sockets that read again have to find out that they were cut. */
const cutSeenWithinMs = 2_000

/** Sockets of a room that are open and read nothing: what they are sent stays in the kernel, then in the server, until it does something about it. */
export class StalledSockets {
  readonly #sockets: Array<ClientSocket> = []
  #ended = 0

  static async connect(server: RunningServer, wire: Wire, room: string, count: number): Promise<StalledSockets> {
    const stalled = new StalledSockets()
    for (let index = 1; index <= count; index++) {
      const socket = await server.unlessEnded(
        ClientSocket.connect({
          name: `stalled socket ${index}`,
          port: server.socketPort,
          path: wire.path(room),
          room,
          wire,
          onBytes: () => {},
          onFault: () => void stalled.#ended++
        })
      )
      socket.stall()
      stalled.#sockets.push(socket)
    }
    return stalled
  }

  /** Reads on, and says how many find themselves cut. */
  async release(): Promise<number> {
    for (const socket of this.#sockets) socket.readOn()
    const until = performance.now() + cutSeenWithinMs
    while (this.#ended < this.#sockets.length && performance.now() < until) await sleep(20)
    return this.#ended
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }
}
