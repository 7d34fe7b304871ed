import { once } from "node:events"
import { afterEach, expect, it } from "vitest"
import type { WebSocket } from "ws"
import { WebSocketServer } from "ws"
import { ManyRooms } from "../../bench/load/ManyRooms.ts"
import { plainWsRooms } from "../../bench/targets/PlainWs.ts"

let server: WebSocketServer | undefined
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate()
  server?.close()
})

/** Rooms by URL; `reaches` says whether a room's message goes to a socket of another. */
const measure = async (reaches: (message: number) => boolean) => {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" })
  server = wss
  const roomOf = new Map<WebSocket, string>()
  let message = 0
  wss.on("connection", (socket: WebSocket, request) => {
    roomOf.set(socket, request.url ?? "")
    socket.on("error", () => socket.terminate())
    socket.on("message", (data) => {
      message++
      for (const client of wss.clients) {
        if (roomOf.get(client) === roomOf.get(socket) || reaches(message)) client.send(data.toString())
      }
    })
  })
  await once(wss, "listening")
  const address = wss.address()
  const socketPort = typeof address === "object" && address !== null ? address.port : 0
  const running = { socketPort, usage: () => undefined, unlessEnded: async <A>(work: Promise<A>) => work }
  const settings = { room: "bench", rooms: 3, socketsARoom: 4, messageBytes: 150 }
  const rooms = await ManyRooms.connect(running, plainWsRooms.wire, settings, () => {})
  try {
    return await rooms.run({ inFlight: 2, warmUpSeconds: 0.02, seconds: 0.05 }, () => {})
  } finally {
    rooms.close()
  }
}

it("Many rooms count their messages, and every delivery of theirs", async () => {
  const result = await measure(() => false)
  expect(result.messagesPerSecond).toBeGreaterThan(0)
  expect(result.own.count).toBeGreaterThan(0)
  expect(result.checkedDeliveries % 4).toBe(0)
  expect(result.checkedDeliveries).toBeGreaterThan(0)
})

it("A message that comes into another room ends the run without a result", async () => {
  await expect(measure((message) => message === 10)).rejects.toThrow(/have a gap|was never sent|differs from its room/)
})
