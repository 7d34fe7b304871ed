import { expect } from "@effect/vitest"
import { Effect } from "effect"
import { request as open } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import { connect } from "node:net"

export interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  readonly port?: number
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: unknown
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One request on a connection of its own; headers that `fetch` would not let through (`Host`, `Origin`) included. */
export const send = (request: Request): Effect.Effect<Reply> =>
  Effect.callback<Reply>((resume) => {
    const { body, headers = {}, method = "GET", path, port } = request
    const content =
      body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const type =
      content === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(content)) }
    const outgoing = open(
      { host: "127.0.0.1", port, method, path, headers: { ...type, ...headers }, agent: false },
      (incoming) => {
        const chunks: Array<Buffer> = []
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8")
          resume(
            Effect.succeed({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: jsonOf(text) })
          )
        })
      }
    )
    outgoing.on("error", (error) => resume(Effect.die(error)))
    outgoing.end(content)
  })

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

/** That a reply is the RFC 9457 problem of this name and status, with its request's id and no other text than ours. */
export const expectProblem = (reply: Reply, status: number, name: string): void => {
  expect({ status: reply.status, json: reply.json }).toMatchObject({
    status,
    json: {
      type: `urn:parley:problem:${name}`,
      title: expect.any(String),
      status,
      instance: reply.headers["x-request-id"]
    }
  })
  expect(reply.headers["content-type"]).toBe("application/problem+json")
}

/** A member of a JSON object; `undefined` where there is none. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined

/** Sends text as it is and gathers what comes back until the server closes. */
export const converse = (port: number, text: string) =>
  Effect.callback<string>((resume) => {
    const socket = connect(port, "127.0.0.1")
    let received = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk: string) => (received += chunk))
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(received)))
    socket.write(text)
  })
