import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServers } from "../../../src/adapters/http/HttpServers.ts"
import { converse } from "./support/Http.ts"

const servers = (apiPort: number, socketPort: number, host = "127.0.0.1") =>
  HttpServers.layer({ host, apiPort, socketPort })

const listening = <A, E>(
  use: (bound: { api: HttpServers["Service"]["api"]; apiPort: number; socketPort: number }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const { api, listen } = yield* HttpServers
    return yield* use({ api, ...(yield* listen) })
  })

const listenError = (apiPort: number, socketPort: number, host?: string) =>
  Effect.flip(listening(() => Effect.void)).pipe(
    Effect.map((error) => error.message),
    Effect.scoped,
    Effect.provide(servers(apiPort, socketPort, host))
  )

describe("the two servers", () => {
  it.live("pick free ports for 0, and are one where both numbers are the same", () =>
    Effect.gen(function* () {
      const free = yield* listening(({ apiPort, socketPort }) => {
        expect(apiPort).toBeGreaterThan(0)
        expect(socketPort).toBeGreaterThan(0)
        expect(socketPort).not.toBe(apiPort)
        return Effect.succeed(apiPort)
      }).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
      yield* Effect.gen(function* () {
        const { api, listen, socket } = yield* HttpServers
        expect(socket).toBe(api)
        expect(yield* listen).toEqual({ apiPort: free, socketPort: free })
      }).pipe(Effect.scoped, Effect.provide(servers(free, free)))
    })
  )

  it.live("name the variable of a port that is in use, in one line", () =>
    listening(({ apiPort }) =>
      Effect.gen(function* () {
        expect(yield* listenError(apiPort, 0)).toBe(
          `APP_PORT: port ${apiPort} on 127.0.0.1 is already in use; stop what listens there or choose another port in APP_PORT`
        )
        expect(yield* listenError(0, apiPort)).toMatch(
          /^APP_PORT_SOCKET: port \d+ on 127\.0\.0\.1 is already in use[^\n]*$/
        )
      })
    ).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
  )

  it.live("name APP_HOST where it is no address of this machine", () =>
    Effect.gen(function* () {
      expect(yield* listenError(0, 0, "192.0.2.77")).toMatch(/^APP_HOST: 192\.0\.2\.77 is no address of this machine/)
    })
  )

  it.live("free their ports when the first is bound and the second is not", () =>
    listening(({ apiPort: taken }) =>
      Effect.gen(function* () {
        const free = yield* listening(({ apiPort }) => Effect.succeed(apiPort)).pipe(
          Effect.scoped,
          Effect.provide(servers(0, 0))
        )
        yield* listenError(free, taken)
        yield* listening(({ apiPort }) => Effect.sync(() => expect(apiPort).toBe(free))).pipe(
          Effect.scoped,
          Effect.provide(servers(free, 0))
        )
      })
    ).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
  )

  it.live("give nobody more time, or headers than the bounds", () =>
    listening(({ api }) =>
      Effect.sync(() => {
        expect(api).toMatchObject({
          headersTimeout: 5_000,
          requestTimeout: 10_000,
          keepAliveTimeout: 20_000,
          maxHeadersCount: 100
        })
      })
    ).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
  )

  it.live("cut a client whose headers do not come", () =>
    listening(({ api, apiPort }) =>
      Effect.gen(function* () {
        // The bound itself is above; waiting for all of it would only be slow.
        api.headersTimeout = 100
        api.requestTimeout = 200
        expect(yield* converse(apiPort, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")).toMatch(/^HTTP\/1\.1 408 /)
      })
    ).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
  )

  it.live("refuse 2,100 headers", () =>
    listening(({ apiPort }) =>
      Effect.gen(function* () {
        const headers = Array.from({ length: 2_100 }, (_, i) => `X-Header-${i}: ${i}\r\n`).join("")
        expect(yield* converse(apiPort, `GET / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)).toMatch(
          /^HTTP\/1\.1 431 /
        )
      })
    ).pipe(Effect.scoped, Effect.provide(servers(0, 0)))
  )
})
