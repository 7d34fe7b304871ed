import { once } from "node:events"
import { afterEach, expect, it } from "vitest"
import type { WebSocket } from "ws"
import { WebSocketServer } from "ws"
import { closedLoop } from "../../bench/load/ClosedLoop.ts"
import { classicWire } from "../../bench/targets/Parley.ts"

let server: WebSocketServer | undefined
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate()
  server?.close()
})

/** A room in the classic wire; `sends` says which frames a socket gets for the message at `seq`. */
const measure = async (
  sends: (socket: WebSocket, index: number, seq: number, text: string) => void,
  seconds: number = 0.05
) => {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" })
  server = wss
  let seq = 0
  wss.on("connection", (socket) => {
    socket.on("error", () => socket.terminate())
    socket.on("message", (data) => {
      seq++
      const text = JSON.stringify({ ...JSON.parse(data.toString()), id: `m${seq}`, seq, room: "bench" })
      ;[...wss.clients].forEach((client, index) => sends(client, index, seq, text))
    })
  })
  await once(wss, "listening")
  const address = wss.address()
  const socketPort = typeof address === "object" && address !== null ? address.port : 0
  const running = { socketPort, usage: () => undefined, unlessEnded: async <A>(work: Promise<A>) => work }
  const settings = { room: "bench", sockets: 20, senders: 3, inFlight: 4, messageBytes: 150, warmUpSeconds: 0, seconds }
  return closedLoop(running, classicWire, settings, () => {})
}

it("A closed loop counts what every socket received and how long it took", async () => {
  const result = await measure((socket, _, __, text) => socket.send(text))
  expect(result.deliveries).toBeGreaterThan(0)
  expect(result.checkedMessages).toBeGreaterThan(12)
  expect(result.checkedDeliveries).toBe(20 * result.checkedMessages)
  expect(result.own.count).toBeGreaterThan(0)
  expect(result.receivers.p50).toBeGreaterThan(0)
  expect(result.serverCpuSeconds).toBeUndefined()
})

it("One delivery that is left out on one of the sockets ends a closed loop without a result", async () => {
  const outcome = measure((socket, index, seq, text) => {
    if (index !== 5 || seq !== 20) socket.send(text)
  }, 2)
  await expect(outcome).rejects.toThrow("differs from its room at message 20")
})

it("A socket that the server closes ends a closed loop without a result", async () => {
  const outcome = measure((socket, index, seq, text) => {
    if (index === 5 && seq === 20) socket.close(1013, "overload")
    else socket.send(text)
  }, 2)
  await expect(outcome).rejects.toThrow("was closed by the server: 1013 overload.")
})
