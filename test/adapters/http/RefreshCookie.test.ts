import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { expectProblem } from "./support/Http.ts"
import type { Reply } from "./support/Http.ts"
import { login, somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const logoutPath = "/api/user/v1/logout"
const refreshPath = "/api/user/v1/refresh-token"
const pageHeader = { "x-parley-page": "1" }
const cookieOf = (reply: Reply) => reply.headers["set-cookie"]?.[0] ?? ""

layer(testServer(), { excludeTestServices: true })("the page's refresh cookie", (it) => {
  it.effect("a page gets its refresh token as a cookie that no script reads, and nowhere else", () =>
    Effect.gen(function* () {
      const { username } = yield* somebody
      const reply = yield* login(username, pageHeader)
      expect(reply.json).toEqual({ username, full_name: "Some Body", token: expect.any(String) })
      const [value, ...attributes] = cookieOf(reply).split("; ")
      expect(value).toMatch(/^parley_refresh=ey/)
      // A day, to the second in which it was made.
      const lasting = attributes.filter(
        (attribute) => !attribute.startsWith("Max-Age=863") && attribute !== "Max-Age=86400"
      )
      expect(lasting.toSorted()).toEqual(["HttpOnly", `Path=${refreshPath}`, "SameSite=Strict"])
      expect(attributes).toHaveLength(4)
    })
  )

  it.effect("nobody but a trusted proxy says that the connection is encrypted", () =>
    Effect.gen(function* () {
      const { username } = yield* somebody
      const reply = yield* login(username, { ...pageHeader, "x-forwarded-proto": "https" })
      expect(cookieOf(reply)).not.toContain("Secure")
    })
  )

  it.effect("the cookie refreshes only together with the page's header, and rotates", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const { username } = yield* somebody
      const cookie = cookieOf(yield* login(username, pageHeader)).split(";")[0] ?? ""
      expectProblem(yield* request({ method: "PUT", path: refreshPath, headers: { cookie } }), 401, "unauthorized")
      const reply = yield* request({ method: "PUT", path: refreshPath, headers: { cookie, ...pageHeader } })
      expect(reply.status).toBe(200)
      expect(reply.json).toEqual({ token: expect.any(String) })
      expect(cookieOf(reply)).toMatch(/^parley_refresh=ey/)
      expect(cookieOf(reply)).not.toContain(cookie)
    })
  )

  it.effect("logging out takes the cookie away", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const { headers } = yield* somebody
      const reply = yield* request({ method: "DELETE", path: logoutPath, headers: { ...headers, ...pageHeader } })
      expect(cookieOf(reply)).toMatch(/^parley_refresh=; Max-Age=0; Path=\/api\/user\/v1\/refresh-token;/)
    })
  )
})
