import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../../src/adapters/http/Api.ts"
import { somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

/** Routes of the document, and those that are no API. */
const routes = [
  ...Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, item]) =>
    Object.keys(Object(item)).map((method) => [method.toUpperCase(), path.replace("{id}", "some-id")] as const)
  ),
  ...[
    "/",
    "/chat",
    "/auth",
    "/docs",
    "/dashboard",
    "/openapi.json",
    "/asyncapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere"
  ].map((path) => ["GET", path] as const)
]

layer(testServer({ trustedProxies: ["127.0.0.1"] }), { excludeTestServices: true })("security headers", (it) => {
  for (const [method, path] of routes) {
    it.effect(`stand on every reply of ${method} ${path}, with a token and without one`, () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const { headers } = yield* somebody
        for (const sent of [{}, headers, { host: "evil.example" }, { origin: "https://evil.example" }]) {
          const reply = yield* request({ method, path, headers: sent })
          const about = `${method} ${path} ${reply.status}`
          expect(reply.headers, about).toMatchObject({
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            // The page has a stricter one of its own.
            "referrer-policy": expect.stringMatching(/^(same-origin|no-referrer)$/),
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "x-request-id": expect.any(String)
          })
          const policy = String(reply.headers["content-security-policy"])
          expect(policy, about).toContain("default-src 'none'")
          expect(policy, about).toContain("frame-ancestors 'none'")
          expect(/script-src[^;]*'unsafe-/.test(policy), about).toBe(false)
          expect(reply.headers["strict-transport-security"], about).toBeUndefined()
          expect(reply.headers["x-powered-by"] ?? reply.headers["server"], about).toBeUndefined()
          if (path.startsWith("/api/")) expect(reply.headers["cache-control"], about).toBe("no-store")
        }
        const secure = yield* request({ method, path, headers: { "x-forwarded-proto": "https" } })
        expect(secure.headers["strict-transport-security"]).toBe("max-age=15552000")
      })
    )
  }
})
