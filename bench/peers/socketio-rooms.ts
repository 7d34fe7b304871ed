// Rooms as https://socket.io/docs/v4/rooms/ shows them, with the settings of socketio.ts; a socket is in the room that its handshake names.
import { createServer } from "node:http"
import { Server } from "socket.io"

const server = createServer((_, response) => response.end())
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false })

io.on("connection", (socket) => {
  const room = String(socket.handshake.query["room"])
  void socket.join(room)
  // Let go only now: the handshake's query stands in it.
  const raw: { request: unknown } = socket.conn
  raw.request = null
  socket.on("message", ({ from, message }: { readonly from: string; readonly message: string }) => {
    io.to(room).emit("message", { from, message, date: new Date().toISOString() })
  })
})

server.listen(Number(process.env["PORT"]), "127.0.0.1")
