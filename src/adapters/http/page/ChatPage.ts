import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Asset, AssetMissing } from "./PageAssets.ts"
import { readAssets } from "./PageAssets.ts"
import { importMap, importMapSource } from "./Shell.ts"

export interface ChatPageOptions {
  /** Where WebSockets are taken; asked at every request, since port 0 is known only after listening. */
  readonly socketPort: () => number
  /** Where this page is served when nothing stands before it. */
  readonly apiPort: () => number
}

/** A host that can stand in a policy: a name or an IPv4 address, and a port. What else a `Host` header holds is not repeated. */
const hostPattern = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::\d{1,5})?$/

/**
 * Scripts and styles are the page's own files; the import map must be inline and is known by its hash. The socket may be on the socket
 * port of the host the reader came to, or on the page's own origin. No script may make HTML out of a string (`require-trusted-types-for`).
 */
const contentSecurityPolicy = (host: string, socketPort: number): string => {
  const match = hostPattern.exec(host)
  const sockets = match === null ? "" : ` ws://${match[1]}:${socketPort} ws://${match[0]} wss://${match[0]}`
  return [
    "default-src 'none'",
    `script-src 'self' ${importMapSource}`,
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; ")
}

/** The page before its script has started. Nothing in it comes from a reader. */
const shell = (scripts: ReadonlyArray<string>, apiPort: number, socketPort: number): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
    <meta name="color-scheme" content="light dark">
    <meta name="description" content="Parley, a real-time chat">
    <meta name="parley-api-port" content="${apiPort}">
    <meta name="parley-socket-port" content="${socketPort}">
    <title>Parley</title>
    <link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
    <link rel="stylesheet" href="/assets/page.css">
    <script type="importmap">${importMap}</script>
${scripts.map((name) => `    <link rel="modulepreload" href="/assets/${name}">`).join("\n")}
    <script type="module" src="/assets/app.js"></script>
  </head>
  <body>
    <div id="app">
      <header class="bar">
        <h1 class="brand"><img src="/assets/icon.svg" alt="" width="24" height="24"> Parley</h1>
      </header>
      <main class="shell">
        <p>Opening the chat…</p>
        <noscript><p>This chat needs JavaScript. Without it, the API at <a href="/docs">/docs</a> still talks to you.</p></noscript>
      </main>
    </div>
  </body>
</html>
`

const nosniff = { "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin" } as const

const page =
  (options: ChatPageOptions, scripts: ReadonlyArray<string>) =>
  (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    const socketPort = options.socketPort()
    return Effect.succeed(
      HttpServerResponse.text(shell(scripts, options.apiPort(), socketPort), {
        contentType: "text/html; charset=utf-8",
        headers: {
          ...nosniff,
          // The policy names the host that was asked for.
          vary: "host",
          "cache-control": "no-store",
          "content-security-policy": contentSecurityPolicy(request.headers["host"] ?? "", socketPort),
          "cross-origin-opener-policy": "same-origin",
          "permissions-policy": "camera=(), geolocation=(), microphone=()",
          "referrer-policy": "no-referrer"
        }
      })
    )
  }

/** A new release is seen at once, and what has not changed costs a 304. */
const asset =
  ({ body, contentType, etag }: Asset) =>
  (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    const headers = { ...nosniff, etag, "cache-control": "no-cache" }
    const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
    return Effect.succeed(
      known.includes(etag) || known.includes("*")
        ? HttpServerResponse.empty({ status: 304, headers })
        : HttpServerResponse.uint8Array(body, { contentType, headers })
    )
  }

/**
 * The chat page: `/`, `/chat` and the files it needs below `/assets/`, each a route of its own, so that no path can name any other file.
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
        ...assets.map((file) => HttpRouter.route("GET", `/assets/${file.name}`, asset(file)))
      ]
    })
  )
