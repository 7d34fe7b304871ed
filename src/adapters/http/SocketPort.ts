import { randomUUID } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { problemContentType, problemOf } from "./Problem.ts"
import { securityHeaders } from "./ReplyHeaders.ts"

/**
 * Plain HTTP requests on the socket port: `/healthz` is answered, everything else is told to upgrade (426). `isDraining` closes
 * connections behind their reply.
 */
export const makeSocketPortHandler =
  (isDraining: () => boolean) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const id = randomUUID()
    const headers = {
      ...securityHeaders,
      "cache-control": "no-store",
      "x-request-id": id,
      ...(isDraining() ? { connection: "close" } : {})
    }
    const [path] = (request.url ?? "").split("?", 1)
    if (path === "/healthz" && (request.method === "GET" || request.method === "HEAD")) {
      response.writeHead(200, { ...headers, "content-type": "text/plain; charset=utf-8" }).end("ok\n")
      return
    }
    response
      .writeHead(426, {
        ...headers,
        "content-type": problemContentType,
        upgrade: "websocket",
        // RFC 9110: `Upgrade` is a field of this connection. Closed, since a body that nobody reads may be under way.
        connection: "upgrade, close"
      })
      .end(JSON.stringify(problemOf(426, { instance: id, trace_id: id.replaceAll("-", "") })))
  }
