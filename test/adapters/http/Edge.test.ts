import { describe, expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { converse, expectProblem } from "./support/Http.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const historyPath = "/api/message/v1/history"
const loginPath = "/api/user/v1/login"

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.flatMap(TestServer, ({ request }) => request({ path, headers, method }))

layer(testServer(), { excludeTestServices: true })("every request", (it) => {
  it.effect("has an id: in the reply, in its problem, in its log line", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer
      const reply = yield* get("/nowhere?token=secret")
      expectProblem(reply, 404, "not-found")
      const id = String(reply.headers["x-request-id"])
      const lines = log.filter(({ text }) => text.includes(id))
      expect(lines).toHaveLength(1)
      expect(lines[0]?.text).toMatch(/method=GET path=\/nowhere status=404 millis=\d+/)
      expect(lines[0]?.text).not.toContain("secret")
    })
  )

  it.effect("gets the security headers, a page its own policy", () =>
    Effect.gen(function* () {
      for (const path of ["/healthz", "/nowhere", historyPath, "/openapi.json", "/", "/docs", "/dashboard", "/auth"]) {
        const { headers } = yield* get(path)
        expect(headers, path).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" })
        expect(headers["referrer-policy"], path).toMatch(/^(no-referrer|same-origin)$/)
        const policy = String(headers["content-security-policy"])
        expect(policy, path).toContain("default-src 'none'")
        expect(policy, path).toContain("frame-ancestors 'none'")
        expect(policy, path).not.toContain("unsafe-eval")
        if (path !== "/docs") expect(policy, path).not.toContain("unsafe-inline")
        expect(policy, path).not.toMatch(/script-src[^;]*unsafe/)
      }
    })
  )

  it.effect("for a path that is none is 404, in every spelling", () =>
    Effect.gen(function* () {
      for (const path of [
        "/api",
        "/api/",
        "/api/user/v1",
        "/API/user/v1/login",
        "//api/user/v1/login",
        "/%61pi/user/v1/login",
        "/assets/../package.json",
        "/assets/%2e%2e/package.json",
        "/.env",
        "/healthz%00",
        "/%",
        "/%F0%90"
      ]) {
        expectProblem(yield* get(path), 404, "not-found")
      }
    })
  )

  it.effect("to delete one of many, with its id lost, does not delete them all", () =>
    Effect.gen(function* () {
      const { headers, ...reply } = yield* get("/api/user/v1/sessions/", {}, "DELETE")
      expectProblem({ headers, ...reply }, 405, "method-not-allowed")
      expect(headers["allow"]).toBe("HEAD, GET, OPTIONS")
    })
  )

  it.effect("with a method that its path does not have is 405 and says which it has", () =>
    Effect.gen(function* () {
      const allowed: ReadonlyArray<readonly [string, string, string]> = [
        ["GET", loginPath, "POST, OPTIONS"],
        ["POST", "/api/user/v1/logout", "DELETE, OPTIONS"],
        ["GET", "/api/user/v1/refresh-token", "PUT, OPTIONS"],
        ["DELETE", historyPath, "HEAD, GET, OPTIONS"],
        ["PATCH", "/healthz", "HEAD, GET, OPTIONS"],
        ["TRACE", "/", "HEAD, GET, OPTIONS"],
        ["PURGE", "/", "HEAD, GET, OPTIONS"]
      ]
      for (const [method, path, allow] of allowed) {
        const reply = yield* get(path, {}, method)
        expectProblem(reply, 405, "method-not-allowed")
        expect(reply.headers["allow"]).toBe(allow)
      }
    })
  )

  it.effect("by HEAD is GET without a body; by OPTIONS the methods", () =>
    Effect.gen(function* () {
      const head = yield* get("/healthz", {}, "HEAD")
      expect(head.status).toBe(200)
      expect(head.text).toBe("")
      const options = yield* get(loginPath, {}, "OPTIONS")
      expect(options.status).toBe(204)
      expect(options.headers["allow"]).toBe("POST, OPTIONS")
    })
  )

  it.effect("for a host that we do not serve is 421, but for probes", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer
      for (const host of ["evil.example", "localhost.evil.example", "chat.example.evil.example"]) {
        for (const path of ["/", historyPath, "/metrics", "/dashboard"]) {
          expectProblem(yield* get(path, { host }), 421, "wrong-host")
        }
        expect((yield* get("/healthz", { host })).status).toBe(200)
        expect((yield* get("/readyz", { host })).status).toBe(200)
      }
      expect(log.some(({ level, text }) => level === "Warn" && text.includes("ALLOWED_HOSTS"))).toBe(true)
      for (const host of ["localhost:4000", "[::1]", "chat.example"])
        expect((yield* get("/", { host })).status).toBe(200)
    })
  )

  it.effect("cannot get round Host by an absolute target", () =>
    Effect.gen(function* () {
      const { apiPort } = yield* TestServer
      const reply = yield* converse(
        apiPort,
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
      )
      expect(reply).toMatch(/^HTTP\/1\.1 421 /)
    })
  )

  describe("from a browser", () => {
    it.effect("of a foreign origin is 403 on every path, with a log line that names the variable", () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer
        for (const origin of ["null", "http://evil.example", "http://localhost.evil.com", "http://evil-localhost"]) {
          for (const [method, path] of [
            ["GET", "/"],
            ["POST", loginPath],
            ["OPTIONS", loginPath],
            ["GET", "/healthz"]
          ] as const) {
            const reply = yield* get(path, { origin }, method)
            expectProblem(reply, 403, "origin-refused")
            expect(reply.headers["access-control-allow-origin"]).toBeUndefined()
          }
          expect(log.some(({ text }) => text.includes(origin) && text.includes("ALLOWED_ORIGINS"))).toBe(true)
        }
      })
    )

    it.effect("of our host on any port, or a friend's, gets CORS headers without credentials", () =>
      Effect.gen(function* () {
        for (const origin of [
          "http://localhost:5173",
          "http://127.0.0.1",
          "http://[::1]:1",
          "https://friend.example"
        ]) {
          const reply = yield* get(historyPath, { origin, host: "localhost" })
          expectProblem(reply, 401, "unauthorized")
          expect(reply.headers["access-control-allow-origin"]).toBe(origin)
          expect(reply.headers["vary"]).toContain("Origin")
          expect(reply.headers["access-control-allow-credentials"]).toBeUndefined()
          expect(reply.headers["access-control-expose-headers"]).toContain("Link")
        }
      })
    )

    it.effect("asks before it sends, and is told what it may send", () =>
      Effect.gen(function* () {
        const reply = yield* get(
          loginPath,
          { origin: "https://friend.example", "access-control-request-method": "POST", host: "localhost" },
          "OPTIONS"
        )
        expect(reply.status).toBe(204)
        expect(reply.headers).toMatchObject({
          "access-control-allow-origin": "https://friend.example",
          "access-control-allow-methods": "POST, OPTIONS",
          "access-control-allow-headers": "Authorization, Content-Type, X-Parley-Page, X-Room-Token",
          "access-control-max-age": "600"
        })
      })
    )
  })

  describe("with a body", () => {
    it.effect("over 64 KiB is 413, announced or not", () =>
      Effect.gen(function* () {
        const { apiPort, request } = yield* TestServer
        expectProblem(
          yield* request({ method: "POST", path: loginPath, body: `"${"x".repeat(64 * 1024 - 2)}"` }),
          422,
          "invalid-fields"
        )
        expectProblem(
          yield* request({ method: "POST", path: loginPath, body: `"${"x".repeat(64 * 1024 - 1)}"` }),
          413,
          "body-too-large"
        )
        const chunk = "x".repeat(0x8000)
        const chunks = `8000\r\n${chunk}\r\n`.repeat(3)
        const reply = yield* converse(
          apiPort,
          `POST ${loginPath} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`
        )
        expect(reply).toMatch(/^HTTP\/1\.1 413 /)
        expect(reply).toContain("urn:parley:problem:body-too-large")
      })
    )

    it.effect("of 12 MB is answered before it is sent, and its connection closed", () =>
      Effect.gen(function* () {
        const { apiPort } = yield* TestServer
        const head = `POST ${loginPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12000000\r\n`
        // Only a little of the body ever comes: the answer does not wait for more.
        const reply = yield* converse(apiPort, `${head}\r\n${"x".repeat(100)}`)
        expect(reply).toMatch(/^HTTP\/1\.1 413 /)
        expect(reply.toLowerCase()).toContain("connection: close")
        const asked = yield* converse(apiPort, `${head}Expect: 100-continue\r\n\r\n`)
        expect(asked).toMatch(/^HTTP\/1\.1 413 /)
      })
    )

    it.effect("that waits to be asked for is asked for", () =>
      Effect.gen(function* () {
        const { apiPort } = yield* TestServer
        const reply = yield* converse(
          apiPort,
          `POST ${loginPath} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}`
        )
        expect(reply).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 422 /)
      })
    )
  })

  it.effect("answered while the server drains closes its connection", () =>
    Effect.gen(function* () {
      const { apiPort, readiness } = yield* TestServer
      readiness.set("draining", "the server is stopping")
      yield* Effect.gen(function* () {
        // A connection that would stay open: only the server can end it.
        const reply = yield* converse(apiPort, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect(reply).toMatch(/^HTTP\/1\.1 200 OK/)
        expect(reply.toLowerCase()).toContain("connection: close")
      }).pipe(Effect.ensuring(Effect.sync(() => readiness.set("draining", undefined))))
    })
  )

  it.effect("without a limit has no RateLimit headers", () =>
    Effect.gen(function* () {
      expect((yield* get(historyPath)).headers["ratelimit"]).toBeUndefined()
    })
  )
})
