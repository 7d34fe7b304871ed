import { once } from "node:events"
import { afterEach, expect, it } from "vitest"
import type { WebSocket } from "ws"
import { WebSocketServer } from "ws"
import { OpenLoop } from "../../bench/load/OpenLoop.ts"
import { plainWs } from "../../bench/targets/PlainWs.ts"

let server: WebSocketServer | undefined
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate()
  server?.close()
})

/** A broadcast that may leave out deliveries; `sends` is asked for each. */
const measure = async (graceSeconds: number, sends: (socket: number, message: number) => boolean) => {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" })
  server = wss
  let message = 0
  wss.on("connection", (socket: WebSocket) => {
    socket.on("error", () => socket.terminate())
    socket.on("message", (data) => {
      message++
      ;[...wss.clients].forEach((client, index) => {
        if (sends(index, message)) client.send(data.toString())
      })
    })
  })
  await once(wss, "listening")
  const address = wss.address()
  const socketPort = typeof address === "object" && address !== null ? address.port : 0
  const running = { socketPort, usage: () => undefined, unlessEnded: async <A>(work: Promise<A>) => work }
  const settings = { room: "bench", sockets: 10, senders: 2, timed: 5, messageBytes: 150 }
  const loop = await OpenLoop.connect(running, plainWs.wire, settings, () => {})
  const phase = { ratePerSecond: 200, warmUpSeconds: 0, seconds: 0.2, graceSeconds }
  try {
    return [await loop.run(phase, () => {}), await loop.run(phase, () => {})] as const
  } finally {
    loop.close()
  }
}

it("An open loop posts what is due, times what comes back, and may go on with another rate", async () => {
  const [first, second] = await measure(30, () => true)
  // Forty messages to five timed sockets of ten.
  expect(first).toMatchObject({ keptUp: true, checkedDeliveries: 400, latency: { count: 200 } })
  expect(second).toMatchObject({ keptUp: true, checkedDeliveries: 800, latency: { count: 200 } })
  expect(first.lateness.count).toBe(40)
})

it("What does not come within the grace is counted with its age, and the server is said not to have kept up", async () => {
  const [first] = await measure(0.2, (_, message) => message <= 20)
  expect(first.keptUp).toBe(false)
  expect(first.latency.count).toBe(200)
  // The twentieth of forty was due 100 ms before the end, and the grace is 200 ms.
  expect(first.latency.max).toBeGreaterThan(280)
})
