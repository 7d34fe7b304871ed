import { Effect, Layer } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Readiness } from "../../domain/Readiness.ts"
import * as Metrics from "./Metrics.ts"
import { problemResponse } from "./Problem.ts"

const text = (body: string) =>
  HttpServerResponse.text(body, { contentType: "text/plain; charset=utf-8", headers: { "cache-control": "no-store" } })

/** Liveness: the process answers. */
const healthz = HttpRouter.add("GET", "/healthz", text("ok\n"))

/** Readiness: 200, or 503 with every reason why not; each dependency and phase with its own part. */
const readyz = HttpRouter.use((router) =>
  Effect.flatMap(Readiness, (readiness) =>
    router.add(
      "GET",
      "/readyz",
      Effect.sync(() => {
        const problems = readiness.problems()
        const checks = readiness.checks().map(({ check, problem }) => ({
          check,
          status: problem === undefined ? "ok" : "failed"
        }))
        return problems.length === 0
          ? HttpServerResponse.jsonUnsafe({ status: "ready", checks }, { headers: { "cache-control": "no-store" } })
          : problemResponse(503, { problems, checks })
      })
    )
  )
)

const metrics = HttpRouter.use((router) =>
  Effect.flatMap(Metrics.make, (format) =>
    router.add(
      "GET",
      "/metrics",
      Effect.map(format, (body) =>
        HttpServerResponse.text(body, {
          contentType: Metrics.contentType,
          headers: { "cache-control": "no-store" }
        })
      )
    )
  )
)

/** Where the original application had pages of their own, and where browsers look unasked. */
const former = Layer.mergeAll(
  HttpRouter.add("GET", "/auth", HttpServerResponse.redirect("/", { status: 302 })),
  HttpRouter.add("GET", "/dashboard-ui", HttpServerResponse.redirect("/docs", { status: 302 })),
  HttpRouter.add("GET", "/favicon.ico", HttpServerResponse.redirect("/assets/icon.svg", { status: 302 }))
)

export const layer = Layer.mergeAll(healthz, readyz, metrics, former)
