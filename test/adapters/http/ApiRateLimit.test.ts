import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { bearer, expectProblem } from "./support/Http.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const historyPath = "/api/message/v1/history"
const loginPath = "/api/user/v1/login"

layer(testServer({ ratePerMinute: 5 }), { excludeTestServices: true })("the limit of the API", (it) => {
  it.effect(
    "counts every request of an address below /api, whatever X-Forwarded-For says; then 429 with its time",
    () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const paths = [historyPath, loginPath, "/api/nowhere", `${historyPath}?limit=x`, "/api"]
        for (const [i, path] of paths.entries()) {
          const { headers } = yield* request({ path, headers: { ...bearer("x"), "x-forwarded-for": `203.0.113.${i}` } })
          expect(headers["ratelimit-policy"]).toBe(`"api";q=5;w=60`)
          expect(headers["ratelimit"]).toMatch(new RegExp(`^"api";r=${4 - i};t=(60|59|58)$`))
          expect(headers["retry-after"]).toBeUndefined()
        }
        for (let i = 0; i < 20; i += 1) {
          const reply = yield* request({
            path: historyPath,
            headers: {
              "x-forwarded-for": `198.51.100.${i}`,
              forwarded: `for=192.0.2.${i}`,
              "x-real-ip": `192.0.2.${i}`
            }
          })
          expectProblem(reply, 429, "too-many-requests")
          expect(reply.headers["ratelimit"]).toMatch(/^"api";r=0;t=\d\d$/)
          expect(Number(reply.headers["retry-after"])).toBeGreaterThan(50)
        }
        for (const path of ["/healthz", "/", "/metrics"]) expect((yield* request({ path })).status).toBe(200)
      })
  )
})

layer(testServer({ ratePerMinute: 2, trustedProxies: ["127.0.0.0/8"] }), { excludeTestServices: true })(
  "behind a trusted proxy",
  (it) => {
    it.effect("clients are told apart by what the proxy says, not by what they say", () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const statusOf = (forwarded: string) =>
          Effect.map(request({ path: "/api/x", headers: { "x-forwarded-for": forwarded } }), ({ status }) => status)
        expect([yield* statusOf("203.0.113.1"), yield* statusOf("9.9.9.9, 203.0.113.1")]).toEqual([404, 404])
        expect(yield* statusOf("8.8.8.8, 203.0.113.1")).toBe(429)
        expect(yield* statusOf("203.0.113.2")).toBe(404)
        expect([yield* statusOf("2001:db8::1"), yield* statusOf("2001:db8::2")]).toEqual([404, 404])
        expect(yield* statusOf("2001:db8::3")).toBe(429)
      })
    )

    it.effect("a cookie is Secure where the browser's connection is", () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const forwarded = (client: string) => ({ "x-forwarded-for": client, "x-parley-page": "1" })
        const body = { username: "testuser", password: "password123", full_name: "Test User" }
        yield* request({ method: "POST", path: "/api/user/v1/register", body, headers: forwarded("203.0.113.7") })
        const login = (proto: string) =>
          request({
            method: "POST",
            path: loginPath,
            body: { username: "testuser", password: "password123" },
            headers: { ...forwarded("203.0.113.8"), "x-forwarded-proto": proto }
          })
        expect((yield* login("https")).headers["set-cookie"]?.[0]).toContain("; Secure")
        expect((yield* login("http")).headers["set-cookie"]?.[0]).not.toContain("; Secure")
      })
    )
  }
)
