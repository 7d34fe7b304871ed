import { expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Auth, InvalidCredentials, TooManyLogins } from "../../../src/domain/Auth.ts"
import { Sessions } from "../../../src/domain/Sessions.ts"
import { HasherOverloaded } from "../../../src/ports/PasswordHasher.ts"
import { StoreUnavailable } from "../../../src/ports/Users.ts"
import { bearer, expectProblem } from "./support/Http.ts"
import { login, register } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const logoutPath = "/api/user/v1/logout"
const refreshPath = "/api/user/v1/refresh-token"
const historyPath = "/api/message/v1/history"

const down = new StoreUnavailable({ store: "users", detail: "ER_ACCESS_DENIED_ERROR for 'root'@'db'" })

const nothingWorks = Layer.merge(
  Layer.mock(Auth)({
    register: () => Effect.fail(down),
    login: ({ username }) =>
      Effect.gen(function* () {
        if (username === "busy") return yield* new HasherOverloaded({ retryAfterMs: 2_500 })
        if (username === "eager") return yield* new TooManyLogins({ retryAfterMs: 41_000 })
        if (username === "wrong") return yield* new InvalidCredentials()
        if (username === "broken") return yield* Effect.die(new Error("SELECT * FROM users"))
        return yield* down
      })
  }),
  Layer.mock(Sessions)({
    authenticate: () => Effect.fail(down),
    recent: () => undefined,
    refresh: () => Effect.fail(down)
  })
)

layer(testServer({}, nothingWorks), { excludeTestServices: true })(
  "accounts over HTTP when what they stand on fails",
  (it) => {
    it.effect("a store that does not answer is 503 with Retry-After, and its words stay in the log", () =>
      Effect.gen(function* () {
        const { log, request } = yield* TestServer
        const replies = [
          yield* register("testuser"),
          yield* login("testuser"),
          yield* request({ method: "PUT", path: refreshPath, headers: bearer("t") }),
          yield* request({ method: "DELETE", path: logoutPath, headers: bearer("t") }),
          yield* request({ path: historyPath, headers: bearer("t") })
        ]
        for (const reply of replies) {
          expectProblem(reply, 503, "unavailable")
          expect(reply.headers["retry-after"]).toBe("2")
          expect(reply.text).not.toContain("ER_ACCESS")
        }
        expect(log.filter(({ text }) => text.includes("ER_ACCESS"))).toHaveLength(5)
      })
    )

    it.effect("no token is 401 whatever the store does", () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        expectProblem(yield* request({ path: historyPath }), 401, "unauthorized")
        expectProblem(yield* request({ method: "PUT", path: refreshPath }), 401, "unauthorized")
      })
    )

    it.effect("too many passwords to check is 503, too many logins 429, each with its time", () =>
      Effect.gen(function* () {
        const busy = yield* login("busy")
        expectProblem(busy, 503, "unavailable")
        expect(busy.headers["retry-after"]).toBe("3")
        const eager = yield* login("eager")
        expectProblem(eager, 429, "too-many-logins")
        expect(eager.headers["retry-after"]).toBe("41")
      })
    )

    it.effect("a defect is 500, logged with its cause and answered without it", () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer
        const reply = yield* login("broken")
        expectProblem(reply, 500, "internal")
        expect(reply.text).not.toContain("SELECT")
        const id = String(reply.headers["x-request-id"])
        expect(log.find(({ text }) => text.includes("SELECT"))).toMatchObject({
          level: "Error",
          text: expect.stringContaining(id)
        })
      })
    )
  }
)
