import { Context, Data, Effect, Layer } from "effect"
import type { Scope } from "effect"
import { createServer } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Server as TlsServer } from "node:https"
import type { Server } from "node:http"

/** A port could not be had. `message` is the one line that start-up ends with. */
export class ListenError extends Data.TaggedError("ListenError")<{ readonly message: string }> {}

export interface HttpServersOptions {
  /** `APP_HOST`: the name or address to listen on. */
  readonly host: string
  /** `APP_PORT`; 0 picks a free one. */
  readonly apiPort: number
  /** `APP_PORT_SOCKET`; 0 picks a free one, the same number as `apiPort` means one server for both. */
  readonly socketPort: number
  /** Both ports speak TLS where there is one. */
  readonly certificate?: Certificate | undefined
}

/** PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/**
 * What one connection may cost before it has said anything useful: headers must be here within 5 s and hold 16 KiB at most, a
 * request within 10 s (408 and the connection's end otherwise, looked at once a second), a connection may idle 20 s
 * between requests. None of it touches a connection that was upgraded.
 */
const bounds = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 20_000,
  maxHeaderSize: 16 * 1024
} as const
const maxHeaders = 100

/** How long a connection with a reply under way may hold up the end. */
const closePatience = "3 seconds"

/** A TLS handshake that takes longer is given up, as slow headers are. */
const handshakeTimeout = 5_000

const bounded = <S extends Server>(server: S): S => {
  server.maxHeadersCount = maxHeaders
  return server
}

/** `TLS_CERT` or `TLS_KEY` does not fit. `message` is the one line that start-up ends with. */
export class CertificateUnusable extends Data.TaggedError("CertificateUnusable")<{ readonly message: string }> {}

const unusable = (error: unknown): CertificateUnusable =>
  new CertificateUnusable({
    message: `TLS_CERT, TLS_KEY: they are no certificate and its key in PEM (${error instanceof Error ? error.message : String(error)})`
  })

interface Made {
  readonly server: Server
  /** Takes another certificate for connections to come. */
  readonly renew: (certificate: Certificate) => void
}

const makeServer = (certificate: Certificate | undefined): Made => {
  if (certificate === undefined) return { server: bounded(createServer(bounds)), renew: () => {} }
  const server: TlsServer = bounded(
    createTlsServer({ ...bounds, ...certificate, minVersion: "TLSv1.2", handshakeTimeout })
  )
  return { server, renew: (next) => server.setSecureContext({ ...next, minVersion: "TLSv1.2" }) }
}

/**
 * `localhost` is bound as 127.0.0.1, not as whichever address the resolver names first: browsers and clients that try ::1 first go on
 * to 127.0.0.1, the other way round they often do not.
 */
const bindAddress = (host: string): string => (host === "localhost" ? "127.0.0.1" : host)

const refusal = (variable: string, host: string, port: number, code: string | undefined): string => {
  switch (code) {
    case "EADDRINUSE":
      return `${variable}: port ${port} on ${host} is already in use; stop what listens there or choose another port in ${variable}`
    case "EACCES":
    case "EPERM":
      return `${variable}: this user may not listen on port ${port} on ${host}; choose a port above 1023 in ${variable}`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return `APP_HOST: ${host} is no address of this machine, so ${variable} (${port}) cannot be opened on it`
    default:
      return `${variable}: port ${port} on ${host} cannot be opened (${code ?? "unknown reason"})`
  }
}

const listenOn = (server: Server, variable: string, host: string, port: number): Effect.Effect<number, ListenError> =>
  Effect.callback<number, ListenError>((resume) => {
    const onError = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenError({ message: refusal(variable, host, port, error.code) })))
    server.once("error", onError)
    server.listen({ host: bindAddress(host), port }, () => {
      server.off("error", onError)
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (!server.listening) return resume(Effect.void)
    // Closes idle connections, too.
    server.close(() => resume(Effect.void))
  }).pipe(Effect.timeoutOption(closePatience), Effect.andThen(Effect.sync(() => server.closeAllConnections())))

const make = (options: HttpServersOptions) => {
  const made = makeServer(options.certificate)
  const api = made.server
  const shared = options.apiPort === options.socketPort && options.apiPort !== 0
  const madeSocket = shared ? made : makeServer(options.certificate)
  const socket = madeSocket.server
  const open = (server: Server, variable: string, port: number) =>
    Effect.acquireRelease(listenOn(server, variable, options.host, port), () => close(server))
  return HttpServers.of({
    api,
    socket,
    renew: (certificate) =>
      Effect.try({
        try: () => {
          for (const { renew } of new Set([made, madeSocket])) renew(certificate)
        },
        catch: unusable
      }),
    listen: Effect.gen(function* () {
      const apiPort = yield* open(api, "APP_PORT", options.apiPort)
      const socketPort = shared ? apiPort : yield* open(socket, "APP_PORT_SOCKET", options.socketPort)
      return { apiPort, socketPort }
    })
  })
}

/**
 * The two `node:http` servers, not listening yet: whoever serves routes adds a `request` listener, whoever serves WebSockets an `upgrade`
 * listener (both servers take both), and then `listen` opens the doors. Where both ports are the same number, `api` and `socket` are the same server.
 */
export class HttpServers extends Context.Service<
  HttpServers,
  {
    readonly api: Server
    readonly socket: Server
    /** Another certificate for the connections to come; those that are open go on. On failure nothing has changed. */
    readonly renew: (certificate: Certificate) => Effect.Effect<void, CertificateUnusable>
    /**
     * Binds both; closes both when the scope ends: idle connections at once, those with a reply under way within 3 s. Upgraded connections
     * are their owner's. Port 0 picks a free one.
     */
    readonly listen: Effect.Effect<{ readonly apiPort: number; readonly socketPort: number }, ListenError, Scope.Scope>
  }
>()("parley/adapters/http/HttpServers") {
  static readonly layer = (options: HttpServersOptions): Layer.Layer<HttpServers, CertificateUnusable> =>
    Layer.effect(HttpServers, Effect.try({ try: () => make(options), catch: unusable }))
}
