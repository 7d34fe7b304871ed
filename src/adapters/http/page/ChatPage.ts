import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import { CurrentVisit } from "../Visit.ts"
import type { Asset, AssetMissing } from "./PageAssets.ts"
import { readAssets } from "./PageAssets.ts"
import { brand, foot, head, pagePolicy } from "./Shell.ts"

export interface ChatPageOptions {
  /** Where WebSockets are taken; asked at every request, since port 0 is known only after listening. */
  readonly socketPort: () => number
  /** Where this page is served when nothing stands before it. */
  readonly apiPort: () => number
}

/** A host that can stand in a policy: a name or an IPv4 address, and a port. What else a `Host` header holds is not repeated. */
const hostPattern = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::\d{1,5})?$/

/** The socket may be on the socket port of the host the reader came to, or on the page's own origin. */
const contentSecurityPolicy = (host: string, socketPort: number): string => {
  const match = hostPattern.exec(host)
  return pagePolicy(match === null ? [] : [`ws://${match[1]}:${socketPort}`, `ws://${match[0]}`, `wss://${match[0]}`])
}

/** How to connect, for whoever looks. `origin` is the page's own, as its reader sees it. */
const developers = (origin: string, socketOrigin: string): string => `<h2>What this is</h2>
<p>Parley, a real-time chat server: a room is a log on disk, with one order and positions 1, 2, 3 … without a hole. Nothing is delivered that is not stored, and a client that was away gets what it missed.</p>
<h3>In a program</h3>
<pre tabindex="0"><code>import { Centrifuge } from "centrifuge"

const client = new Centrifuge("${socketOrigin}/connection/websocket")
const lobby = client.newSubscription("lobby")
lobby.on("publication", ({ data, offset }) =&gt; console.log(offset, data.from, data.message))
lobby.subscribe()
client.connect()
await lobby.publish({ message: "Hello", id: crypto.randomUUID() })</code></pre>
<h3>In a shell</h3>
<pre tabindex="0"><code>curl ${origin}/api/user/v1/register -H "Content-Type: application/json" \\
  -d '{"username":"testuser","password":"password123","full_name":"Test User"}'
curl -H "Accept: application/json" ${origin}/        # the same as this, for programs
websocat ${socketOrigin}/message/v1/send        # JSON frames {from, message, date}</code></pre>
<p><a href="/docs">The API</a>, its <a href="/openapi.json">OpenAPI document</a>, <a href="/metrics">metrics</a>.</p>`

const bones = Array.from({ length: 6 }, () => `<div class="bone"></div>`).join("")

/** The page before its script has started: it has the page's shape. Nothing in it comes from a reader. */
const shell = (
  modules: ReadonlyArray<string>,
  ports: { readonly api: number; readonly socket: number },
  origin: string,
  socketOrigin: string
): string => `<!doctype html>
<html lang="en">
${head({
  title: "Parley",
  description: "Parley, a real-time chat",
  styles: ["chat.css"],
  main: "app.js",
  modules,
  meta: [
    ["parley-api-port", ports.api],
    ["parley-socket-port", ports.socket]
  ]
})}
<body>
<a class="skip" href="#message">To the message field</a>
<div id="app">
<noscript><div class="shell"><div class="developers"><p>This chat needs JavaScript. Without it, the API still talks to you.</p>
${developers(origin, socketOrigin)}</div></div></noscript>
<aside class="rooms"><div class="top">${brand}</div></aside>
<main class="talk">
<header class="bar"><p class="status busy" role="status"><span class="dot" aria-hidden="true"></span>Opening the chat…</p></header>
<div class="room-log"><div class="scroll"><div class="bones" aria-hidden="true">${bones}</div></div></div>
</main>
</div>
${foot("/").replace("</ul></nav>", `<li><button type="button" class="link" popovertarget="developers">For developers</button></li>\n</ul></nav>`)}
<div id="developers" class="developers" popover role="dialog" aria-label="For developers">
${developers(origin, socketOrigin)}
</div>
</body>
</html>
`

/** What this server is, for programs that ask for JSON. */
const description = (origin: string, socketOrigin: string) => ({
  name: "Parley",
  description: "A real-time chat server: ordered, durable, resumable rooms",
  chat: `${origin}/chat`,
  api: `${origin}/api`,
  openapi: `${origin}/openapi.json`,
  docs: `${origin}/docs`,
  sockets: {
    centrifugo: `${socketOrigin}/connection/websocket`,
    classic: `${socketOrigin}/message/v1/send`
  },
  health: { live: `${origin}/healthz`, ready: `${origin}/readyz`, metrics: `${origin}/metrics` }
})

const nosniff = { "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin" } as const

/** The policy and the addresses name the host that was asked for; one form is for people, one for programs. */
const vary = "host, accept, accept-encoding"

const gzipped = promisify(gzip)
const takesGzip = /\bgzip\b/

const wantsJson = (accept: string): boolean => accept.includes("application/json") && !accept.includes("text/html")

const page =
  (options: ChatPageOptions, modules: ReadonlyArray<string>) =>
  (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
    Effect.gen(function* () {
      const { secure } = yield* CurrentVisit
      const [socket, api] = [options.socketPort(), options.apiPort()]
      const { accept = "", "accept-encoding": encodings = "", host = "" } = request.headers
      const shown = hostPattern.exec(host)?.[0] ?? `localhost:${api}`
      const origin = `http${secure ? "s" : ""}://${shown}`
      // Sockets are taken at this port, too, and behind a proxy no other is known.
      const socketOrigin = `ws${secure ? "s" : ""}://${shown}`
      if (wantsJson(accept)) {
        return HttpServerResponse.jsonUnsafe(description(origin, socketOrigin), { headers: { vary } })
      }
      const headers = {
        ...nosniff,
        vary,
        "cache-control": "no-store",
        "content-security-policy": contentSecurityPolicy(host, socket),
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "no-referrer"
      }
      const contentType = "text/html; charset=utf-8"
      const html = shell(modules, { api, socket }, origin, socketOrigin)
      if (!takesGzip.test(encodings)) return HttpServerResponse.text(html, { contentType, headers })
      // There is no secret in it, which a compression could betray.
      const packed = yield* Effect.promise(() => gzipped(html))
      return HttpServerResponse.uint8Array(packed, { contentType, headers: { ...headers, "content-encoding": "gzip" } })
    })

/** A new release is seen at once, and what has not changed costs a 304. It is compressed once, when somebody first asks for it. */
const asset = ({ body, contentType, etag }: Asset) => {
  let compressed: Promise<Uint8Array> | undefined
  return (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    const headers = { ...nosniff, etag, "cache-control": "no-cache", vary: "accept-encoding" }
    const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
    if (known.includes(etag) || known.includes("*")) {
      return Effect.succeed(HttpServerResponse.empty({ status: 304, headers }))
    }
    if (!takesGzip.test(request.headers["accept-encoding"] ?? "")) {
      return Effect.succeed(HttpServerResponse.uint8Array(body, { contentType, headers }))
    }
    return Effect.map(
      Effect.promise(() => (compressed ??= gzipped(body, { level: 9 }))),
      (bytes) =>
        HttpServerResponse.uint8Array(bytes, {
          contentType,
          headers: { ...headers, etag: `W/${etag}`, "content-encoding": "gzip" }
        })
    )
  }
}

/**
 * The chat page: `/`, `/chat`, `/chat/<room>` and the files it needs below `/assets/`, each a route of its own, so that no path can name any other file.
 * Fails where a file is missing.
 */
export const layer = (options: ChatPageOptions): Layer.Layer<never, AssetMissing, HttpRouter.HttpRouter> =>
  HttpRouter.addAll(
    Effect.map(readAssets, (assets) => {
      const names = assets
        .filter(({ modulesOf, name }) => modulesOf.includes("chat") && name !== "app.js")
        .map(({ name }) => name)
      return [
        HttpRouter.route("GET", "/", page(options, names)),
        HttpRouter.route("GET", "/chat", page(options, names)),
        // Which room it is, the page reads from its own address.
        HttpRouter.route("GET", "/chat/:room", page(options, names)),
        ...assets.map((file) => HttpRouter.route("GET", `/assets/${file.name}`, asset(file)))
      ]
    })
  )
