import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { bearer, expectProblem } from "./support/Http.ts"
import { somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

layer(testServer({ dashboard: "token" }), { excludeTestServices: true })(
  "the monitor for people with an account",
  (it) => {
    it.effect("shows its numbers to them alone", () =>
      Effect.gen(function* () {
        const { request } = yield* TestServer
        const accept = { accept: "application/json" }
        expectProblem(yield* request({ path: "/dashboard", headers: accept }), 401, "unauthorized")
        expectProblem(
          yield* request({ path: "/dashboard", headers: { ...accept, ...bearer("x") } }),
          401,
          "unauthorized"
        )
        const { headers } = yield* somebody
        expect((yield* request({ path: "/dashboard", headers: { ...accept, ...headers } })).status).toBe(200)
        // The shell holds no number, and tells a browser how to get in.
        expect((yield* request({ path: "/dashboard" })).status).toBe(200)
      })
    )
  }
)

layer(testServer({ dashboard: "off" }), { excludeTestServices: true })("no monitor", (it) => {
  it.effect("is 404", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      for (const path of ["/dashboard", "/dashboard.js"]) expectProblem(yield* request({ path }), 404, "not-found")
    })
  )
})
