import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { asyncApi } from "../../../src/adapters/ws/AsyncApi.ts"
import { familiesOf, problemsOf } from "../../support/PrometheusText.ts"
import { converse, expectProblem, member, send } from "./support/Http.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

/** What dashboards and alert rules ask for: a name that goes is a promise broken. */
const expected = [
  "http_request_duration_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_external_memory_bytes",
  "nodejs_gc_duration_seconds",
  "nodejs_heap_size_used_bytes",
  "parley_batch_messages",
  "parley_commit_duration_seconds",
  "parley_deliveries_total",
  "parley_fan_out_duration_seconds",
  "parley_mailbox_depth",
  "parley_mailbox_waiting",
  "parley_messages_committed_total",
  "parley_password_hashes",
  "parley_rejections_total",
  "parley_rooms_in_memory",
  "parley_sockets",
  "parley_sockets_too_slow_total",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes"
] as const

const get = (path: string, headers: Record<string, string> = {}) =>
  Effect.flatMap(TestServer, ({ request }) => request({ path, headers }))

layer(testServer(), { excludeTestServices: true })("beside the API", (it) => {
  it.effect("/healthz says that the process answers", () =>
    Effect.gen(function* () {
      expect(yield* get("/healthz")).toMatchObject({ status: 200, text: "ok\n" })
    })
  )

  it.effect("/readyz is 503 and lists every problem, until there is none", () =>
    Effect.gen(function* () {
      const { readiness } = yield* TestServer
      expect(yield* get("/readyz")).toMatchObject({ status: 200, json: { status: "ready" } })
      readiness.set("journal", "the owner is another process (pid 1)")
      readiness.set("users", "no answer")
      const reply = yield* get("/readyz")
      expectProblem(reply, 503, "unavailable")
      expect(reply.headers["retry-after"]).toBe("1")
      expect(member(reply.json, "problems")).toEqual([
        { check: "journal", problem: "the owner is another process (pid 1)" },
        { check: "users", problem: "no answer" }
      ])
      expect(member(reply.json, "checks")).toEqual([
        { check: "journal", status: "failed" },
        { check: "users", status: "failed" }
      ])
      expect((yield* get("/metrics")).text).toContain("\nparley_ready 0\n")
      readiness.set("journal", undefined)
      readiness.set("users", undefined)
      expect((yield* get("/readyz")).json).toEqual({
        status: "ready",
        checks: [
          { check: "journal", status: "ok" },
          { check: "users", status: "ok" }
        ]
      })
    })
  )

  it.effect("/metrics is Prometheus text, each family with its type", () =>
    Effect.gen(function* () {
      const reply = yield* get("/metrics")
      expect(reply.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8")
      expect(problemsOf(reply.text)).toEqual([])
      const names = familiesOf(reply.text).map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining([...expected]))
      // The request before this one is in it, by its declared route.
      const { text } = yield* get("/metrics")
      expect(text).toMatch(
        /^http_request_duration_seconds_count\{method="GET",route="\/metrics",status_code="200"\} [1-9]/m
      )
    })
  )

  it.effect("/dashboard is a page, or its numbers as the original monitor had them", () =>
    Effect.gen(function* () {
      const page = yield* get("/dashboard", { accept: "text/html,application/json;q=0.9" })
      expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
      expect(page.headers["vary"]).toContain("Accept")
      expect(page.text).not.toMatch(/<script>|<style| style=| on\w+=/)
      for (const file of page.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
        expect((yield* get(String(file[1]))).status).toBe(200)
      }
      const { json } = yield* get("/dashboard", { accept: "application/json" })
      const number = expect.any(Number)
      expect(json).toMatchObject({
        pid: { cpu: number, ram: number, conns: number },
        os: { cpu: number, ram: number, total_ram: number, load_avg: number, conns: number },
        parley: {
          rooms: 0,
          sockets: 0,
          messages_per_s: 0,
          deliveries_per_s: 0,
          commit_ms: { p50: 0, p99: 0 },
          fan_out_ms: { p50: 0, p99: 0 },
          event_loop_lag_ms: { p99: number },
          top_rooms: [],
          problems: []
        }
      })
      expect(member(member(json, "pid"), "ram")).toBeGreaterThan(1_000_000)
      expect(member(member(json, "pid"), "conns")).toBeGreaterThanOrEqual(1)
    })
  )

  it.effect("/asyncapi.json describes both wires", () =>
    Effect.gen(function* () {
      const reply = yield* get("/asyncapi.json")
      expect(reply.headers["content-type"]).toBe("application/json")
      expect(reply.json).toEqual(JSON.parse(JSON.stringify(asyncApi())))
    })
  )

  it.effect("/docs is the reference page, whose scripts its policy knows by their hashes", () =>
    Effect.gen(function* () {
      const reply = yield* get("/docs")
      const policy = String(reply.headers["content-security-policy"])
      const scripts = reply.text.match(/<script>[\s\S]*?<\/script>/g) ?? []
      expect(scripts).toHaveLength(2)
      for (const script of scripts) {
        const hash = createHash("sha256").update(script.slice("<script>".length, -"</script>".length)).digest("base64")
        expect(policy).toContain(`'sha256-${hash}'`)
      }
      expect(reply.text).not.toMatch(/<script src|<link[^>]+https?:/)
    })
  )

  it.effect("the old pages lead to the new ones", () =>
    Effect.gen(function* () {
      expect(yield* get("/auth")).toMatchObject({ status: 302, headers: { location: "/" } })
      expect(yield* get("/dashboard-ui")).toMatchObject({ status: 302, headers: { location: "/docs" } })
      const icon = yield* get("/favicon.ico")
      expect((yield* get(String(icon.headers.location))).headers["content-type"]).toBe("image/svg+xml")
      for (const path of ["/", "/chat"]) {
        const reply = yield* get(path)
        expect(reply.status).toBe(200)
        expect(reply.headers["content-type"]).toBe("text/html; charset=utf-8")
      }
    })
  )

  it.effect("the chat page knows the ports that were bound", () =>
    Effect.gen(function* () {
      const { socketPort } = yield* TestServer
      expect((yield* get("/")).text).toContain(`content="${socketPort}"`)
    })
  )

  it.effect("the socket port answers probes and tells everything else to upgrade", () =>
    Effect.gen(function* () {
      const { socketPort } = yield* TestServer
      expect(yield* send({ port: socketPort, path: "/healthz" })).toMatchObject({ status: 200, text: "ok\n" })
      for (const [method, path] of [
        ["GET", "/message/v1/send"],
        ["GET", "/"],
        ["POST", "/healthz"],
        ["DELETE", "/api/user/v1/logout"]
      ] as const) {
        const reply = yield* send({
          port: socketPort,
          method,
          path,
          body: method === "POST" ? "x".repeat(100_000) : undefined
        })
        expectProblem(reply, 426, "upgrade-required")
        expect(reply.headers["upgrade"]).toBe("websocket")
        expect(reply.headers["x-content-type-options"]).toBe("nosniff")
      }
    })
  )

  it.effect("the socket port reads no body and keeps no connection for it", () =>
    Effect.gen(function* () {
      const { socketPort } = yield* TestServer
      const reply = yield* converse(
        socketPort,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12000000\r\n\r\nx"
      )
      expect(reply).toMatch(/^HTTP\/1\.1 426 /)
      expect(reply).toMatch(/^connection: upgrade, close\r$/im)
    })
  )

  it.effect("no upgrade is answered here: that is the sockets' own listener", () =>
    Effect.gen(function* () {
      const { api } = yield* TestServer
      expect(api.listenerCount("upgrade")).toBe(0)
    })
  )
})
