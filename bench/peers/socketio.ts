// `io.emit` of the getting-started chat, with what https://socket.io/docs/v4/performance-tuning/ and …/memory-usage/ advise: WebSocket only, no
// compression, no page's client served, the first request of each socket let go.
import { createServer } from "node:http"
import { Server } from "socket.io"

const server = createServer((_, response) => response.end())
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false })

io.engine.on("connection", (raw: { request: unknown }) => {
  raw.request = null
})

io.on("connection", (socket) => {
  socket.on("message", ({ from, message }: { readonly from: string; readonly message: string }) => {
    io.emit("message", { from, message, date: new Date().toISOString() })
  })
})

server.listen(Number(process.env["PORT"]), "127.0.0.1")
