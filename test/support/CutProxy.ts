import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Server, Socket } from "node:net"

/** A way to a server that can be cut, and that stays when the server behind it is another one. */
export class CutProxy {
  /** Where new connections go; undefined cuts them at once. */
  target: number | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.target = target
    this.#server = createServer((client) => {
      if (this.target === undefined) {
        client.resetAndDestroy()
        return
      }
      const upstream = connect(this.target, "127.0.0.1")
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client]
      ] as const) {
        this.#sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => {
          this.#sockets.delete(socket)
          other.destroy()
        })
        socket.pipe(other)
      }
    }).listen(0, "127.0.0.1")
  }

  static async start(target: number): Promise<CutProxy> {
    const proxy = new CutProxy(target)
    await once(proxy.#server, "listening")
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Drops every connection, and lets none through until it has a target again. */
  cut(): void {
    this.target = undefined
    this.drop()
  }

  /** Drops every connection; new ones go through. */
  drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, "close")
  }
}
