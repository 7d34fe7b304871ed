import { Validator } from "@seriousme/openapi-schema-validator"
import { describe, expect, it, layer } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../../src/adapters/http/Api.ts"
import { bearer, member } from "./support/Http.ts"
import type { Reply } from "./support/Http.ts"
import { freshName, somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const serverMethods = [
  "publish",
  "broadcast",
  "history",
  "presence",
  "presence_stats",
  "disconnect",
  "unsubscribe",
  "channels",
  "info",
  "batch"
]
const document = OpenApi.fromApi(Api)
const object = (value: unknown): Record<string, unknown> => Object(value)
const operation = (method: string, path: string) => object(member(member(document.paths, path), method.toLowerCase()))

describe("the OpenAPI document", () => {
  it("is valid 3.1", async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone(object(document)))).toEqual({ valid: true })
    expect(document.openapi).toMatch(/^3\.1\./)
  })

  it("has the seed's five routes, those of one's own account and the server API's, each with what it answers", () => {
    const routes = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(object(item)).map(([method, op]) => [method, path, Object.keys(object(member(op, "responses")))])
    )
    const body = ["400", "413", "415", "422"]
    expect(routes).toEqual([
      ["post", "/api/user/v1/register", ["201", "409", "429", "503", ...body].toSorted()],
      ["post", "/api/user/v1/login", ["200", "401", "429", "503", ...body].toSorted()],
      ["delete", "/api/user/v1/logout", ["204", "401", "429", "503"]],
      ["put", "/api/user/v1/refresh-token", ["200", "401", "429", "503"]],
      ["put", "/api/user/v1/password", ["204", "401", "403", "429", "503", ...body].toSorted()],
      ["get", "/api/user/v1/sessions", ["200", "401", "429", "503"]],
      ["delete", "/api/user/v1/sessions", ["204", "401", "429", "503"]],
      ["delete", "/api/user/v1/sessions/{id}", ["204", "401", "404", "429", "503"]],
      ["get", "/api/message/v1/history", ["200", "401", "403", "422", "429", "503"]],
      ...serverMethods.map((method) => ["post", `/api/server/v1/${method}`, ["200", "400", "401", "404", "413", "429"]])
    ])
  })

  it("has the server API's two ways to show the key, and what each method asks and answers", () => {
    const { paths } = document
    const publish = operation("post", "/api/server/v1/publish")
    expect(publish["security"]).toEqual([{ apiKey: [] }, { apiKeyAuthorization: [] }])
    expect(document.components.securitySchemes).toMatchObject({
      apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      apiKeyAuthorization: { type: "http", scheme: "apikey" }
    })
    for (const method of serverMethods) {
      const { requestBody, responses } = operation("post", `/api/server/v1/${method}`)
      expect(JSON.stringify(requestBody), method).toContain("application/json")
      expect(JSON.stringify(member(responses, "200")), method).toContain("error")
    }
    expect(JSON.stringify(paths)).toContain("idempotency_key")
  })
})

const Text = Schema.String
const Message = Schema.Struct({
  from: Text,
  message: Text,
  date: Text,
  id: Text,
  seq: Schema.Int,
  guest: Schema.optionalKey(Schema.Literal(true))
})

/** The README's success bodies, written down once more: the code's own schema would agree with itself. */
const successes: Record<string, Schema.Codec<unknown, unknown>> = {
  "201 /api/user/v1/register": Schema.Struct({ username: Text, full_name: Text }),
  "200 /api/user/v1/login": Schema.Struct({ username: Text, full_name: Text, token: Text, refresh_token: Text }),
  "200 /api/user/v1/refresh-token": Schema.Struct({ token: Text, refresh_token: Text }),
  "200 /api/user/v1/sessions": Schema.Array(
    Schema.Struct({ id: Text, created_at: Text, renewed_at: Text, expires_at: Text, current: Schema.Boolean })
  ),
  "200 /api/message/v1/history": Schema.Array(Message)
}

const FieldErrors = Schema.Array(Schema.Struct({ pointer: Text, detail: Text }))

const Problem = Schema.Struct({
  type: Schema.String.check(Schema.isPattern(/^urn:parley:problem:[a-z-]+$/)),
  title: Schema.NonEmptyString,
  status: Schema.Int,
  instance: Schema.NonEmptyString,
  trace_id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)),
  errors: Schema.optionalKey(FieldErrors),
  retry_after: Schema.optionalKey(Schema.Int)
})

const matches = <A, I>(schema: Schema.Codec<A, I>, value: unknown): boolean =>
  Exit.isSuccess(Schema.decodeUnknownExit(schema)(value, { onExcessProperty: "error" }))

/** That a reply is one that the document foresees, with the body that belongs to it. */
const expectInContract = (method: string, path: string, reply: Reply): void => {
  const about = `${method} ${path} ${reply.status} ${reply.text}`
  expect(Object.keys(object(operation(method, path)["responses"])), about).toContain(String(reply.status))
  expect(reply.status, about).toBeLessThan(500)
  if (reply.status === 204) return expect(reply.text, about).toBe("")
  if (reply.status >= 400) {
    expect(reply.headers["content-type"], about).toBe("application/problem+json")
    return expect(matches(Problem, reply.json), about).toBe(true)
  }
  const schema = successes[`${reply.status} ${path}`]
  expect(schema !== undefined && matches(schema, reply.json), about).toBe(true)
}

const runs = { arbitrary: { runs: 150 } }

/** A field that may be right, nearly right, anything, or missing. */
const field = (...right: ReadonlyArray<string>) =>
  Schema.optionalKey(Schema.Union([Schema.Literals(["", "\ud800", "__proto__", ...right]), Schema.String, Schema.Json]))

const Body = Schema.Union([
  Schema.Struct({
    username: field("testuser", "zoë-zoë", "test\nuser"),
    password: field("password123", "x".repeat(73)),
    full_name: field("Test User", "Test\u2028User")
  }),
  Schema.Json,
  Schema.Record(Schema.String, Schema.Json)
])

const Authorizations = Schema.Literals(["none", "access", "refresh", "garbage", "basic"])

const Query = Schema.Struct({
  room: Schema.optionalKey(Schema.Union([Schema.Literals(["lobby", "$board", ""]), Schema.String])),
  limit: Schema.optionalKey(Schema.Union([Schema.Int, Schema.Finite, Schema.String])),
  before: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  after: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  other: Schema.optionalKey(Schema.String)
})

const authorized = (kind: typeof Authorizations.Type) =>
  Effect.gen(function* () {
    if (kind === "none") return {}
    if (kind === "basic") return { authorization: "Basic dXNlcjpwYXNz" }
    if (kind === "garbage") return bearer("eyJhbGciOiJub25lIn0.e30.")
    const { headers, refreshToken } = yield* somebody
    return kind === "access" ? headers : bearer(refreshToken)
  })

layer(testServer(), { excludeTestServices: true })("whatever is sent", (it) => {
  for (const path of ["/api/user/v1/register", "/api/user/v1/login"]) {
    it.effect.prop(
      `POST ${path} answers by the document`,
      [Body],
      ([body]) =>
        Effect.gen(function* () {
          const { request } = yield* TestServer
          // As JSON whatever it is: a string is a JSON string here, not the body's text.
          expectInContract("POST", path, yield* request({ method: "POST", path, body: JSON.stringify(body) }))
        }),
      runs
    )

    it.effect.prop(
      `POST ${path} answers by the document when it is sent text`,
      [Schema.String],
      ([text]) =>
        Effect.gen(function* () {
          const { request } = yield* TestServer
          expectInContract("POST", path, yield* request({ method: "POST", path, body: text }))
        }),
      runs
    )
  }

  it.effect.prop(
    "PUT /api/user/v1/password answers by the document",
    [
      Authorizations,
      Schema.Union([
        Schema.Struct({
          current_password: field("password123", "wrong password"),
          new_password: field("password123", "x".repeat(73))
        }),
        Schema.Json
      ])
    ],
    ([kind, body]) =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const path = "/api/user/v1/password"
        const headers = yield* authorized(kind)
        const reply = yield* request({ method: "PUT", path, headers, body: JSON.stringify(body) })
        expectInContract("PUT", path, reply)
        if (kind !== "access") expect(reply.status).toBeGreaterThanOrEqual(400)
      }),
    { arbitrary: { runs: 60 } }
  )

  it.effect.prop(
    "DELETE /api/user/v1/sessions/{id} answers by the document",
    [
      Authorizations,
      Schema.Union([Schema.Literals(["none", "__proto__"]), Schema.String.check(Schema.isPattern(/^[\w-]+$/))])
    ],
    ([kind, id]) =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const headers = yield* authorized(kind)
        const reply = yield* request({ method: "DELETE", path: `/api/user/v1/sessions/${id}`, headers })
        expectInContract("DELETE", "/api/user/v1/sessions/{id}", reply)
        expect(reply.status).toBe(kind === "access" ? 404 : 401)
      }),
    { arbitrary: { runs: 30 } }
  )

  it.effect("a new account and its login answer by the document", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const body = { username: freshName(), password: "password123" }
      for (const [path, sent] of [
        ["/api/user/v1/register", { ...body, full_name: "Some Body" }],
        ["/api/user/v1/login", body]
      ] as const) {
        const reply = yield* request({ method: "POST", path, body: sent })
        expect(reply.status).toBeLessThan(300)
        expectInContract("POST", path, reply)
      }
    })
  )

  for (const [method, path] of [
    ["GET", "/api/user/v1/sessions"],
    ["DELETE", "/api/user/v1/sessions"],
    ["DELETE", "/api/user/v1/logout"],
    ["PUT", "/api/user/v1/refresh-token"]
  ] as const) {
    it.effect.prop(
      `${method} ${path} answers by the document`,
      [Authorizations, Schema.Union([Schema.Undefined, Schema.Json])],
      ([kind, body]) =>
        Effect.gen(function* () {
          const { request } = yield* TestServer
          const headers = yield* authorized(kind)
          const sent = body === undefined ? {} : { body: JSON.stringify(body) }
          const reply = yield* request({ method, path, headers, ...sent })
          expectInContract(method, path, reply)
          const right = kind === (method === "PUT" ? "refresh" : "access")
          expect(reply.status < 300).toBe(right)
        }),
      runs
    )
  }

  it.effect.prop(
    "GET /api/message/v1/history answers by the document",
    [Query, Authorizations],
    ([query, kind]) =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const path = "/api/message/v1/history"
        const text = Object.entries(query).map(([name, value]) => [name, String(value).toWellFormed()])
        const search = new URLSearchParams(text).toString()
        const reply = yield* request({ path: `${path}?${search}`, headers: yield* authorized(kind) })
        expectInContract("GET", path, reply)
        expect(reply.status === 401).toBe(kind !== "access")
      }),
    runs
  )
})
