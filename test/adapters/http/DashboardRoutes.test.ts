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
        // The shell holds no number, whoever asks for it, and has the form that lets a browser in.
        for (const shown of [{}, headers]) {
          const { status, text } = yield* request({ path: "/dashboard", headers: { accept: "text/html", ...shown } })
          expect(status).toBe(200)
          const figures = Array.from(text.matchAll(/data-path="[^>]+>([^<]*)</g), ([, figure]) => figure)
          expect(figures.length).toBeGreaterThan(10)
          expect(new Set(figures)).toEqual(new Set(["–"]))
          expect(text).toContain('<form id="entrance"')
        }
      })
    )
  }
)

layer(testServer(), { excludeTestServices: true })("the monitor for everybody", (it) => {
  it.effect("has its figures in the page that is sent, under a policy that allows nothing inline", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const page = yield* request({ path: "/dashboard", headers: { accept: "text/html" } })
      expect(page.text).toMatch(/data-path="pid.ram"[^>]*>\d+ MiB</)
      expect(page.text).toMatch(/data-path="parley.messages"[^>]*>\d+</)
      expect(page.headers["content-security-policy"]).not.toContain("unsafe")
    })
  )
})

layer(testServer({ dashboard: "off" }), { excludeTestServices: true })("no monitor", (it) => {
  it.effect("is 404", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      for (const path of ["/dashboard", "/dashboard/stream"]) expectProblem(yield* request({ path }), 404, "not-found")
      const json = { accept: "application/json" }
      expectProblem(yield* request({ path: "/dashboard", headers: json }), 404, "not-found")
    })
  )

  it.effect("is said to a browser in words", () =>
    Effect.gen(function* () {
      const { request } = yield* TestServer
      const page = yield* request({ path: "/dashboard", headers: { accept: "text/html,*/*;q=0.8" } })
      expect(page.status).toBe(404)
      expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
      expect(page.text).toContain("This server shows no monitor")
      expect(page.text).toContain("DASHBOARD=off")
      expect(page.text).not.toMatch(/data-path|<style| style=/)
    })
  )
})
