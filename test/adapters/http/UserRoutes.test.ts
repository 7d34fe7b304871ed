import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { bearer, expectProblem, member } from "./support/Http.ts"
import { freshName, login, password, register, somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const registerPath = "/api/user/v1/register"
const loginPath = "/api/user/v1/login"
const logoutPath = "/api/user/v1/logout"
const refreshPath = "/api/user/v1/refresh-token"
const sessionsPath = "/api/user/v1/sessions"
const iso: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const historyPath = "/api/message/v1/history"

const registering = (body: unknown) =>
  Effect.flatMap(TestServer, ({ request }) => request({ method: "POST", path: registerPath, body }))

const wrongFields = (body: unknown) =>
  Effect.gen(function* () {
    const reply = yield* registering(body)
    expectProblem(reply, 422, "invalid-fields")
    return member(reply.json, "errors")
  })

layer(testServer(), { excludeTestServices: true })("accounts over HTTP", (it) => {
  it.effect("registering answers 201 with the name and the full name, and nothing else", () =>
    Effect.gen(function* () {
      const reply = yield* registering({ username: "testuser", password, full_name: "Test User" })
      expect(reply.status).toBe(201)
      expect(reply.text).toBe(`{"username":"testuser","full_name":"Test User"}`)
    })
  )

  it.effect("a name that is taken, or reserved, is 409", () =>
    Effect.gen(function* () {
      const username = freshName()
      yield* register(username)
      expectProblem(yield* register(username), 409, "username-taken")
      expectProblem(yield* register("system"), 409, "username-taken")
    })
  )

  it.effect("every wrong field is named at once, in our words", () =>
    Effect.gen(function* () {
      expect(yield* wrongFields({ username: "bob", password: "short", full_name: 4 })).toEqual([
        { pointer: "/username", detail: "must be 6 to 20 letters, digits, dots, underscores or hyphens" },
        { pointer: "/password", detail: "must have at least 6 characters" },
        { pointer: "/full_name", detail: "must be a string" }
      ])
      expect(yield* wrongFields({})).toEqual([
        { pointer: "/username", detail: "is required" },
        { pointer: "/password", detail: "is required" },
        { pointer: "/full_name", detail: "is required" }
      ])
    })
  )

  it.effect("id and created_at cannot be sent: an unknown field is an error that names it", () =>
    Effect.gen(function* () {
      const body = `{"username":"mallory","password":"${password}","full_name":"Mal Lory","id":1,"created_at":"2000-01-01","a/b~c":1,"__proto__":{"x":1}}`
      expect(yield* wrongFields(body)).toEqual(
        ["/id", "/created_at", "/a~1b~0c", "/__proto__"].map((pointer) => ({
          pointer,
          detail: "is not a field of this request"
        }))
      )
    })
  )

  it.effect("five thousand unknown fields are answered with the first 32", () =>
    Effect.gen(function* () {
      const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 1]))
      expect(yield* wrongFields(body)).toHaveLength(32)
    })
  )

  it.effect("a password over 72 bytes of UTF-8 is refused and says so, one of 72 is not", () =>
    Effect.gen(function* () {
      const tooLong = { pointer: "/password", detail: "must be at most 72 bytes long in UTF-8" }
      const body = { username: freshName(), full_name: "Some Body" }
      expect(yield* wrongFields({ ...body, password: "ü".repeat(37) })).toEqual([tooLong])
      const longest = "ü".repeat(36)
      expect((yield* registering({ ...body, password: longest })).status).toBe(201)
      const { request } = yield* TestServer
      const reply = yield* request({
        method: "POST",
        path: loginPath,
        body: { username: body.username, password: longest }
      })
      expect(reply.status).toBe(200)
    })
  )

  it.effect("a name with a line break, a lone surrogate or a sign is refused, one in any letters is not", () =>
    Effect.gen(function* () {
      for (const username of [
        "test\nuser",
        "testuser\0",
        "test user",
        "test/user",
        "testuse\u200br",
        "12345",
        "a".repeat(21)
      ]) {
        expect(yield* wrongFields({ username, password, full_name: "Test User" })).toMatchObject([
          { pointer: "/username" }
        ])
      }
      expect(
        yield* wrongFields(`{"username":"test\\ud800user","password":"${password}","full_name":"Test User"}`)
      ).toMatchObject([{ pointer: "/username" }])
      const reply = yield* registering({ username: "Þórður.Ñandú-1_9", password, full_name: "Þórður Ñandú" })
      expect(reply.status).toBe(201)
    })
  )

  it.effect("two spellings of one name are one name", () =>
    Effect.gen(function* () {
      expect((yield* register("zo\u00eb-zoe")).status).toBe(201)
      expectProblem(yield* register("zoe\u0308-zoe"), 409, "username-taken")
      expect((yield* login("zoe\u0308-zoe")).json).toMatchObject({ username: "zo\u00eb-zoe" })
    })
  )

  it.effect("a full name holds no control characters, a password no lone surrogate", () =>
    Effect.gen(function* () {
      const username = freshName()
      expect(yield* wrongFields({ username, password, full_name: "Some\nBody" })).toMatchObject([
        { pointer: "/full_name" }
      ])
      expect(yield* wrongFields({ username, password, full_name: "x".repeat(101) })).toMatchObject([
        { pointer: "/full_name" }
      ])
      expect(
        yield* wrongFields(`{"username":"${username}","password":"secret\\udfff","full_name":"Some Body"}`)
      ).toMatchObject([{ pointer: "/password" }])
    })
  )

  it.effect("what is no JSON is 400, what is no object 422", () =>
    Effect.gen(function* () {
      for (const text of ["{", "not json", "{'a':1}", "[".repeat(10_000), "\u0000"]) {
        expectProblem(yield* registering(text), 400, "malformed-json")
      }
      for (const text of ["[]", "null", "4", `"text"`, `${"[".repeat(10_000)}${"]".repeat(10_000)}`, "1e400", ""]) {
        expect(yield* wrongFields(text)).toEqual([{ pointer: "", detail: "must be a JSON object" }])
      }
    })
  )

  it.effect("another content type is 415", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense"
      ]) {
        const reply = yield* request({ method: "POST", path: loginPath, body: "{}", headers: { "content-type": type } })
        expectProblem(reply, 415, "unsupported-media-type")
      }
    })
  )

  it.effect("logging in answers the name and two tokens", () =>
    Effect.gen(function* () {
      const username = freshName()
      yield* register(username)
      const reply = yield* login(username)
      expect(reply.status).toBe(200)
      expect(reply.json).toEqual({
        username,
        full_name: "Some Body",
        token: expect.any(String),
        refresh_token: expect.any(String)
      })
      expect(reply.headers["set-cookie"]).toBeUndefined()
      expect(reply.headers["cache-control"]).toBe("no-store")
    })
  )

  it.effect("an unknown user and a wrong password are one answer", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const { username } = yield* somebody
      const attempt = (body: unknown) => request({ method: "POST", path: loginPath, body })
      const wrong = yield* attempt({ username, password: "another password" })
      const unknown = yield* attempt({ username: "nobody-at-all", password: "another password" })
      const upper = yield* attempt({ username: username.toUpperCase(), password })
      const long = yield* attempt({ username, password: "x".repeat(1_000) })
      for (const reply of [wrong, unknown, upper, long]) {
        expectProblem(reply, 401, "wrong-credentials")
        expect(reply.headers["www-authenticate"]).toBe("Bearer")
        const own = { instance: "", trace_id: "" }
        expect({ ...Object(reply.json), ...own }).toEqual({ ...Object(wrong.json), ...own })
      }
    })
  )

  it.effect("a login without a password is 422", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const reply = yield* request({ method: "POST", path: loginPath, body: { username: "" } })
      expectProblem(reply, 422, "invalid-fields")
      expect(member(reply.json, "errors")).toEqual([
        { pointer: "/username", detail: "is required" },
        { pointer: "/password", detail: "is required" }
      ])
    })
  )

  it.effect("logging out is 204 and ends this session alone", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const one = yield* somebody
      const other = bearer(String(member((yield* login(one.username)).json, "token")))
      const reply = yield* request({ method: "DELETE", path: logoutPath, headers: one.headers })
      expect(reply.status).toBe(204)
      expect(reply.text).toBe("")
      expectProblem(yield* request({ path: historyPath, headers: one.headers }), 401, "unauthorized")
      expectProblem(
        yield* request({ method: "PUT", path: refreshPath, headers: bearer(one.refreshToken) }),
        401,
        "unauthorized"
      )
      expect((yield* request({ path: historyPath, headers: other })).status).toBe(200)
    })
  )

  it.effect("one's own sessions are listed, ended one by one, and all at once", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const one = yield* somebody
      const other = bearer(String(member((yield* login(one.username)).json, "token")))
      const list = yield* request({ path: sessionsPath, headers: other })
      expect(list.json).toEqual([
        { id: expect.any(String), created_at: iso, renewed_at: iso, expires_at: iso, current: expect.any(Boolean) },
        { id: expect.any(String), created_at: iso, renewed_at: iso, expires_at: iso, current: expect.any(Boolean) }
      ])
      const others = (Array.isArray(list.json) ? list.json : []).filter(
        (session) => member(session, "current") === false
      )
      expect(others).toHaveLength(1)
      const path = `${sessionsPath}/${String(member(others[0], "id"))}`
      expectProblem(
        yield* request({ method: "DELETE", path, headers: (yield* somebody).headers }),
        404,
        "no-such-session"
      )
      expect((yield* request({ path: historyPath, headers: one.headers })).status).toBe(200)
      expect((yield* request({ method: "DELETE", path, headers: other })).status).toBe(204)
      expectProblem(yield* request({ path: historyPath, headers: one.headers }), 401, "unauthorized")
      expectProblem(yield* request({ method: "DELETE", path, headers: other }), 404, "no-such-session")
      expect((yield* request({ method: "DELETE", path: sessionsPath, headers: other })).status).toBe(204)
      expectProblem(yield* request({ path: historyPath, headers: other }), 401, "unauthorized")
    })
  )

  it.effect("a new password needs the current one and ends the other sessions", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const one = yield* somebody
      const other = bearer(String(member((yield* login(one.username)).json, "token")))
      const change = (current_password: string, new_password: string) =>
        request({
          method: "PUT",
          path: "/api/user/v1/password",
          headers: one.headers,
          body: { current_password, new_password }
        })
      expectProblem(yield* change("wrong password", "a new password"), 403, "wrong-password")
      const short = yield* change(password, "short")
      expectProblem(short, 422, "invalid-fields")
      expect(member(short.json, "errors")).toMatchObject([{ pointer: "/new_password" }])
      expect((yield* request({ path: historyPath, headers: other })).status).toBe(200)
      const reply = yield* change(password, "a new password")
      expect([reply.status, reply.text]).toEqual([204, ""])
      expectProblem(yield* request({ path: historyPath, headers: other }), 401, "unauthorized")
      expect((yield* request({ path: historyPath, headers: one.headers })).status).toBe(200)
      expectProblem(yield* login(one.username), 401, "wrong-credentials")
    })
  )

  it.effect("without a valid access token there is no way in", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const { refreshToken, token } = yield* somebody
      const foreign = "eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6InRlc3R1c2VyIn0."
      for (const authorization of [
        undefined,
        "Bearer",
        "Basic dTpw",
        `Bearer ${foreign}`,
        `Bearer ${refreshToken}`,
        `Bearer ${token}x`,
        token
      ]) {
        const headers = authorization === undefined ? {} : { authorization }
        for (const [method, path] of [
          ["DELETE", logoutPath],
          ["PUT", "/api/user/v1/password"],
          ["GET", sessionsPath],
          ["DELETE", sessionsPath],
          ["DELETE", `${sessionsPath}/some-id`],
          ["GET", historyPath]
        ] as const) {
          const reply = yield* request({ method, path, headers })
          expectProblem(reply, 401, "unauthorized")
          expect(reply.headers["www-authenticate"]).toBe("Bearer")
        }
      }
    })
  )

  it.effect("a refresh token is changed for a new pair; an access token is none", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const { refreshToken, token } = yield* somebody
      const reply = yield* request({ method: "PUT", path: refreshPath, headers: bearer(refreshToken) })
      expect(reply.status).toBe(200)
      expect(reply.json).toEqual({ token: expect.any(String), refresh_token: expect.any(String) })
      expect(member(reply.json, "refresh_token")).not.toBe(refreshToken)
      expect((yield* request({ path: historyPath, headers: bearer(String(member(reply.json, "token"))) })).status).toBe(
        200
      )
      expectProblem(yield* request({ method: "PUT", path: refreshPath, headers: bearer(token) }), 401, "unauthorized")
      expectProblem(yield* request({ method: "PUT", path: refreshPath }), 401, "unauthorized")
    })
  )

  it.effect("no password and no token gets into the log", () =>
    Effect.gen(function* () {
      const { log, request } = yield* TestServer
      const { headers, refreshToken, token } = yield* somebody
      yield* request({ method: "PUT", path: `${refreshPath}?token=${refreshToken}`, headers: bearer(refreshToken) })
      yield* request({ path: `${historyPath}?token=${token}`, headers })
      yield* register("x")
      const text = log.map((line) => line.text).join("\n")
      expect(text).toContain(refreshPath)
      for (const secret of [password, token, refreshToken, "ey"]) expect(text).not.toContain(secret)
    })
  )
})
