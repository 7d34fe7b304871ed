import { expect, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { converse, expectProblem } from "./support/Http.ts"
import type { Request } from "./support/Http.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const key = "a key of the server API, of 32 bytes and more"
const shown = { "x-api-key": key }
const methods = ["publish", "broadcast", "history", "presence", "presence_stats"]
const allMethods = [...methods, "disconnect", "unsubscribe", "channels", "info", "batch"]
const path = "/api/server/v1/publish"

const post = (request: Partial<Request>) =>
  Effect.flatMap(TestServer, (server) => server.request({ method: "POST", path, body: {}, ...request }))

const serverApi = { key: Redacted.make(key), compat: false, ratePerMinute: 0 }

layer(testServer(), { excludeTestServices: true })("the server API without a key set", (it) => {
  it.effect("is not there, at any path, whatever key is shown", () =>
    Effect.gen(function* () {
      for (const method of allMethods) {
        expectProblem(yield* post({ path: `/api/server/v1/${method}`, headers: shown }), 404, "server-api-off")
        expectProblem(yield* post({ path: `/api/${method}`, headers: shown }), 404, "not-found")
      }
      expectProblem(yield* post({ headers: { "x-api-key": "" } }), 404, "server-api-off")
    })
  )
})

layer(testServer({ serverApi, ratePerMinute: 1 }), { excludeTestServices: true })("the server API", (it) => {
  it.effect("answers whoever shows the key in one header or the other, as often as he likes", () =>
    Effect.gen(function* () {
      for (const method of allMethods) {
        for (const headers of [shown, { authorization: `apikey ${key}` }, { authorization: `ApiKey ${key}` }]) {
          const reply = yield* post({ path: `/api/server/v1/${method}`, headers, body: { n: 1 } })
          expect([reply.status, reply.json]).toEqual([200, { result: { method, params: { n: 1 } } }])
          expect(reply.headers["content-type"]).toBe("application/json")
          expect(reply.headers["cache-control"]).toBe("no-store")
        }
      }
    })
  )

  it.effect("refuses whoever shows none or another, before it reads what he sends", () =>
    Effect.gen(function* () {
      const wrong = [
        {},
        { "x-api-key": "" },
        { "x-api-key": `${key}x` },
        { "x-api-key": key.slice(0, -1) },
        { authorization: `Bearer ${key}` },
        { authorization: key },
        { authorization: `apikey ${key}x` },
        { authorization: "apikey " }
      ]
      for (const headers of wrong) {
        const reply = yield* post({ headers, body: "no JSON" })
        expectProblem(reply, 401, "wrong-key")
        expect(reply.headers["www-authenticate"]).toBe("apikey")
      }
      expectProblem(yield* post({ path: `${path}?api_key=${encodeURIComponent(key)}` }), 401, "wrong-key")
    })
  )

  it.effect("takes a body of any media type, or none; what is no JSON is 400", () =>
    Effect.gen(function* () {
      const headers = { ...shown, "content-type": "text/plain" }
      expect((yield* post({ headers, body: '{"channel":"a"}' })).json).toMatchObject({
        result: { params: { channel: "a" } }
      })
      expect((yield* post({ headers: shown, body: "" })).json).toMatchObject({ result: { params: {} } })
      for (const body of ["{", "publish", "{}{}", "\u0000"]) {
        expectProblem(yield* post({ headers: shown, body }), 400, "malformed-json")
      }
    })
  )

  it.effect("takes 1 MiB, and not a byte more: 413, announced or not", () =>
    Effect.gen(function* () {
      const body = (bytes: number) => JSON.stringify("x".repeat(bytes - 2))
      expect((yield* post({ headers: shown, body: body(1_048_576) })).status).toBe(200)
      const { apiPort } = yield* TestServer
      const sent = (path: string, rest: string) =>
        converse(
          apiPort,
          `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: ${key}\r\n${rest}`
        )
      const chunk = "x".repeat(0x8000)
      const chunks = `8000\r\n${chunk}\r\n`.repeat(33)
      for (const rest of ["Content-Length: 1048577\r\n\r\n", `Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`]) {
        const reply = yield* sent(path, rest)
        expect(reply).toMatch(/^HTTP\/1\.1 413 /)
        expect(reply).toContain("urn:parley:problem:body-too-large")
      }
      const asked = `Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n"${"x".repeat(69_998)}"`
      expect(yield* sent(path, asked)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
      // Elsewhere 64 KiB are the most, with the key or without.
      expect(yield* sent("/assets/icon.svg", "Content-Length: 65537\r\n\r\n")).toMatch(/^HTTP\/1\.1 413 /)
    })
  )

  it.effect("has no other method, and nothing at Centrifugo's paths", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      expectProblem(yield* request({ path, headers: shown }), 405, "method-not-allowed")
      // These count against the limit of the API like any path.
      const replies = yield* Effect.forEach(methods, (method) => post({ path: `/api/${method}`, headers: shown }))
      for (const { status } of replies) expect([404, 429]).toContain(status)
    })
  )
})

layer(testServer({ serverApi: { ...serverApi, compat: true, ratePerMinute: 3 } }), { excludeTestServices: true })(
  "the server API with Centrifugo's paths",
  (it) => {
    it.effect("has them beside its own, with a limit that both count against: 429, and when to come back", () =>
      Effect.gen(function* () {
        const own = yield* post({ headers: shown })
        expect(own.headers["ratelimit-policy"]).toBe('"server-api";q=3;w=60')
        const reply = yield* post({ path: "/api/publish", headers: shown, body: { channel: "a" } })
        expect(reply.json).toEqual({ result: { method: "publish", params: { channel: "a" } } })
        const refused = yield* post({ path: "/api/info" })
        expectProblem(refused, 401, "wrong-key")
        expect(refused.headers["ratelimit"]).toMatch(/^"server-api";r=0;/)
        for (const limited of [path, "/api/publish"]) {
          const late = yield* post({ path: limited, headers: shown })
          expectProblem(late, 429, "too-many-requests")
          expect(Number(late.headers["retry-after"])).toBeGreaterThan(50)
        }
        const { request } = yield* TestServer
        expect((yield* request({ path: "/metrics" })).text).toContain('parley_limited_total{reason="server_api"} 2\n')
      })
    )
  }
)

layer(testServer({ serverApi: { ...serverApi, compat: true } }), { excludeTestServices: true })(
  "each of Centrifugo's paths",
  (it) => {
    it.effect("is the method of its name", () =>
      Effect.gen(function* () {
        for (const method of allMethods) {
          const reply = yield* post({ path: `/api/${method}`, headers: shown })
          expect(reply.json).toEqual({ result: { method, params: {} } })
        }
        expectProblem(yield* post({ path: "/api/subscribe", headers: shown }), 404, "not-found")
      })
    )
  }
)
