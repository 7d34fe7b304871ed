import { connect } from "node:net"
import type { Socket } from "node:net"
import { RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Measurement, Scenario } from "./Measurement.ts"

/** The server looks once a second. */
const lookMillis = 1_500

/** Milliseconds until the server ends it. */
const gone = (socket: Socket): Promise<number> => {
  const began = performance.now()
  socket.on("error", () => {})
  socket.resume()
  return new Promise((done) => socket.once("close", () => done(performance.now() - began)))
}

const row = (promise: string, seconds: number, millis: number): Measurement => ({
  promise,
  bound: `${seconds} s, and what the next look adds (1 s)`,
  measured: `${(millis / 1_000).toFixed(1)} s`,
  kept: millis <= seconds * 1_000 + lookMillis
})

export const peers: Scenario = {
  name: "peers",
  about: "peers that say nothing, too little, or nothing any more (half a minute)",
  run: async ({ say }) => {
    const server = new ServerProcess()
    try {
      const { socketUrl } = await server.up({ ...unlimited, ACCESS_TOKEN_TTL: "1 hour" })
      const port = Number(new URL(socketUrl).port)
      say("peers: waiting until the server has enough of them")
      const silent = connect(port, "127.0.0.1")
      const dripping = connect(port, "127.0.0.1")
      const head = "GET /message/v1/send HTTP/1.1\r\nHost: localhost\r\n"
      let at = 0
      const drip = setInterval(() => dripping.write(head[at++ % head.length] ?? "x"), 250)
      const deaf = await RawSocket.handshake(socketUrl)
      const began = performance.now()
      const goodbye = deaf.until(() => deaf.closeCode !== undefined).then(() => performance.now() - began)
      const [silentFor, drippingFor, deafFor, deafGone] = await Promise.all([
        gone(silent),
        gone(dripping),
        goodbye,
        gone(deaf.socket)
      ])
      clearInterval(drip)
      return [
        row("A connection that says nothing is ended", 5, silentFor),
        row("Headers that come byte by byte are ended", 6, drippingFor),
        {
          promise: "A socket that answers no ping is given up (4009), and its connection gone",
          bound: "30 s after its last sign of life",
          measured: `${(deafFor / 1_000).toFixed(1)} s, ${(deafGone / 1_000).toFixed(1)} s`,
          kept: deafGone <= 30_000
        }
      ]
    } finally {
      await server.remove()
    }
  }
}
