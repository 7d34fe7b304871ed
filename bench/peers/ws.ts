// The broadcast of the documentation of `ws` (README, "Server broadcast"), doing what the chat's server does to a message: parse, set the date, send to all.
import { createServer } from "node:http"
import { WebSocket, WebSocketServer } from "ws"

const server = createServer((_, response) => response.end())
const wss = new WebSocketServer({ server, perMessageDeflate: false })

wss.on("connection", (socket) => {
  socket.on("error", () => socket.terminate())
  socket.on("message", (data) => {
    const { from, message }: { readonly from: string; readonly message: string } = JSON.parse(data.toString())
    const json = JSON.stringify({ from, message, date: new Date().toISOString() })
    for (const client of wss.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(json)
    }
  })
})

server.listen(Number(process.env["PORT"]), "127.0.0.1")
