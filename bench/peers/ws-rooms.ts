// The broadcast of ws.ts with rooms, as one writes them with `ws`: a Map of Sets; a socket is in the room that its URL names.
import { createServer } from "node:http"
import { WebSocket, WebSocketServer } from "ws"

const server = createServer((_, response) => response.end())
const wss = new WebSocketServer({ server, perMessageDeflate: false })
const rooms = new Map<string, Set<WebSocket>>()

wss.on("connection", (socket, request) => {
  const name = new URL(request.url ?? "/", "http://localhost").searchParams.get("room") ?? "lobby"
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(socket))
  socket.on("error", () => socket.terminate())
  socket.on("close", () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(name)
  })
  socket.on("message", (data) => {
    const { from, message }: { readonly from: string; readonly message: string } = JSON.parse(data.toString())
    const json = JSON.stringify({ from, message, date: new Date().toISOString() })
    for (const client of room) {
      if (client.readyState === WebSocket.OPEN) client.send(json)
    }
  })
})

server.listen(Number(process.env["PORT"]), "127.0.0.1")
