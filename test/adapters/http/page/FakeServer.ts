import { Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { WebSocket, WebSocketServer } from "ws"
import { layer } from "../../../../src/adapters/http/page/ChatPage.ts"

interface FakeMessage {
  readonly from: string
  readonly message: string
  readonly date: string
  readonly id: string
  readonly seq: number
  readonly room: string
  readonly guest?: true
}

const tokenOf = (username: string) =>
  `h.${Buffer.from(JSON.stringify({ username, exp: Math.floor(Date.now() / 1000) + 900 })).toString("base64url")}.s`

const readBody = async (request: IncomingMessage): Promise<Record<string, string>> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())
}

const listen = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address: AddressInfo | string | null = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

/**
 * The chat page as it is served, before the smallest server that speaks its API and the classic wire: one room, accounts in a map. What
 * the page does with the real server is tested where that is.
 */
export const startFakeServer = async () => {
  const log: Array<FakeMessage> = []
  const accounts = new Map<string, string>()
  const sockets = new Map<WebSocket, string | undefined>()
  let refresh: string | undefined

  const append = (message: Omit<FakeMessage, "seq" | "room" | "date">, date = new Date().toISOString()) => {
    const stored = { date, seq: log.length + 1, room: "lobby", ...message }
    log.push(stored)
    for (const socket of sockets.keys()) socket.send(JSON.stringify(stored))
    return stored
  }

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL) => {
    const reply = (status: number, body?: object, headers: Record<string, string> = {}) => {
      const problem = status >= 400
      response.writeHead(status, {
        ...headers,
        ...(body === undefined ? {} : { "content-type": problem ? "application/problem+json" : "application/json" })
      })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const body = await readBody(request)
    const { username = "", password = "" } = body
    switch (`${request.method} ${url.pathname}`) {
      case "POST /api/user/v1/register": {
        if (username.length < 6) {
          return reply(422, {
            title: "Unprocessable",
            errors: [{ pointer: "/username", detail: "6 to 20 characters, please" }]
          })
        }
        if (accounts.has(username)) return reply(409, { title: "Taken", errors: [] })
        accounts.set(username, password)
        return reply(201, { username, full_name: body["full_name"] ?? "" })
      }
      case "POST /api/user/v1/login": {
        if (accounts.get(username) !== password) return reply(401, { title: "Unauthorized" })
        refresh = username
        return reply(
          200,
          { username, full_name: "", token: tokenOf(username), refresh_token: "" },
          { "set-cookie": "refresh=r; HttpOnly; SameSite=Strict; Path=/api/user/v1/refresh-token" }
        )
      }
      case "PUT /api/user/v1/refresh-token":
        return refresh !== undefined && request.headers.cookie?.includes("refresh=r")
          ? reply(200, { token: tokenOf(refresh), refresh_token: "" })
          : reply(401, { title: "Unauthorized" })
      case "DELETE /api/user/v1/logout":
        refresh = undefined
        return reply(204)
      case "GET /api/message/v1/history": {
        const before = Number(url.searchParams.get("before"))
        const limit = Number(url.searchParams.get("limit"))
        return reply(200, log.slice(Math.max(0, before - 1 - limit), before - 1))
      }
      default:
        return reply(404, { title: "Not found" })
    }
  }

  const ports = { api: 0, socket: 0 }
  const page = HttpRouter.toWebHandler(
    layer({ apiPort: () => ports.api, socketPort: () => ports.socket }).pipe(
      Layer.provideMerge(HttpServer.layerServices)
    ),
    { disableLogger: true }
  )
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? ""}`)
    if (url.pathname.startsWith("/api/")) return api(request, response, url)
    const headers = new Headers()
    for (const [name, value] of Object.entries(request.headers)) if (typeof value === "string") headers.set(name, value)
    const served = await page.handler(new Request(url, { headers }))
    response.writeHead(served.status, Object.fromEntries(served.headers))
    response.end(Buffer.from(await served.arrayBuffer()))
    return undefined
  }

  const apiServer = createServer((request, response) => void handle(request, response))
  const socketServer = createServer()
  const upgrades = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has("bearer") ? "bearer" : false)
  })
  upgrades.on("connection", (socket: WebSocket, request: IncomingMessage) => {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams
    const token = request.headers["sec-websocket-protocol"]?.split(", ")[1]
    const claims = token?.split(".")[1]
    const account: string | undefined =
      claims === undefined ? undefined : JSON.parse(Buffer.from(claims, "base64url").toString()).username
    sockets.set(socket, account)
    const from = query.has("since") ? Number(query.get("since")) : log.length - Number(query.get("history") ?? 0)
    for (const message of log.slice(Math.max(0, from))) socket.send(JSON.stringify(message))
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    socket.on("message", (data: Buffer) => {
      const { from, message, id, type } = JSON.parse(data.toString())
      if (type === "auth") return
      if (message === "too fast") {
        const error = { code: "rate_limited", retryable: true, retryAfterMs: 500, id }
        socket.send(JSON.stringify({ from: "system", message: "Slow down, please.", error }))
      } else if (message !== "swallow me") {
        append(account === undefined ? { from, message, id, guest: true } : { from: account, message, id })
      }
    })
  })
  for (const server of [apiServer, socketServer]) {
    server.on("upgrade", (request, socket, head) => {
      upgrades.handleUpgrade(request, socket, head, (accepted) => upgrades.emit("connection", accepted, request))
    })
  }
  ports.api = await listen(apiServer)
  ports.socket = await listen(socketServer)

  return {
    origin: `http://localhost:${ports.api}`,
    log,
    accounts,
    append,
    closeAll: (code: number) => {
      for (const socket of sockets.keys()) socket.close(code)
    },
    stop: async () => {
      for (const socket of sockets.keys()) socket.terminate()
      apiServer.closeAllConnections()
      await Promise.all([apiServer, socketServer].map((server) => new Promise((done) => server.close(done))))
      await page.dispose()
    }
  }
}
