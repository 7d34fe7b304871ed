import { randomUUID } from "node:crypto"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { Effect, Layer } from "effect"
import { Readiness } from "../../domain/Readiness.ts"
import { HttpServers } from "./HttpServers.ts"
import { lastReply } from "./LastReply.ts"
import { problemContentType, problemOf } from "./Problem.ts"
import { securityHeaders } from "./ReplyHeaders.ts"

const retryAfterSeconds = "1"

/**
 * Holds both doors while nobody else does: while the stores are opened, while another process owns them, and while this one stops. `/healthz` says that the process
 * lives, everything else is 503 with the reasons. It steps aside for whoever adds a listener of his own.
 */
export const layer: Layer.Layer<never, never, HttpServers | Readiness> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { api, socket } = yield* HttpServers
    const readiness = yield* Readiness

    const refusal = () => {
      const id = randomUUID()
      const body = JSON.stringify(
        problemOf(503, { instance: id, problems: readiness.problems(), trace_id: id.replaceAll("-", "") })
      )
      const headers = {
        ...securityHeaders,
        "cache-control": "no-store",
        "x-request-id": id,
        "content-type": problemContentType,
        "content-length": Buffer.byteLength(body),
        "retry-after": retryAfterSeconds,
        connection: "close"
      }
      return { body, headers }
    }

    const attach = (server: Server) => {
      const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
        if (server.listenerCount("request") > 1) return
        if (request.url === "/healthz") {
          response.writeHead(200, { ...securityHeaders, "content-type": "text/plain; charset=utf-8" }).end("ok\n")
          return
        }
        const { body, headers } = refusal()
        response.writeHead(503, headers).end(body)
      }
      const onUpgrade = (_request: IncomingMessage, peer: Duplex): void => {
        if (server.listenerCount("upgrade") > 1) return
        const { body, headers } = refusal()
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        lastReply(peer, `HTTP/1.1 503 Service Unavailable\r\n${lines.join("")}\r\n${body}`)
      }
      server.on("request", onRequest)
      server.on("upgrade", onUpgrade)
      return () => {
        server.off("request", onRequest)
        server.off("upgrade", onUpgrade)
      }
    }

    yield* Effect.acquireRelease(
      Effect.sync(() => Array.from(new Set([api, socket]), attach)),
      (detachAll) => Effect.sync(() => detachAll.forEach((detach) => detach()))
    )
  })
)
