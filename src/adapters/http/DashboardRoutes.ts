import { Effect, Redacted, Schedule, Stream } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Sessions } from "../../domain/Sessions.ts"
import * as Monitor from "./Monitor.ts"
import { monitorPage, monitorPolicy, noMonitorPage } from "./page/MonitorPage.ts"
import { pageContentType, problemResponse } from "./Problem.ts"

export interface DashboardOptions {
  /**
   * `DASHBOARD`: who may see the monitor's numbers. `open`: whoever reaches it; `token`: who shows a valid access token; `off`: nobody, there
   * is no such page. In `token` the page's shell holds no number, and is shown to everybody: it has the form that takes the token.
   */
  readonly dashboard: "open" | "token" | "off"
}

/** The machine is asked once in so long, however many look. */
const everyMillis = 1_000

const html = (text: string, status = 200) =>
  HttpServerResponse.text(text, {
    status,
    contentType: pageContentType,
    headers: { "content-security-policy": monitorPolicy, "cache-control": "no-store", vary: "Accept" }
  })

const wantsHtml = ({ headers }: HttpServerRequest): boolean => (headers["accept"] ?? "").includes("text/html")

const wantsJson = ({ headers }: HttpServerRequest): boolean => {
  const accept = headers["accept"] ?? ""
  return accept.includes("application/json") && !accept.includes("text/html")
}

/** `/dashboard`: the monitor's page, or its numbers under `Accept: application/json`; `/dashboard/stream`: the same as Server-Sent Events, once a second. */
export const layer = (options: DashboardOptions) =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      if (options.dashboard === "off") {
        yield* router.add("GET", "/dashboard", (request) =>
          Effect.succeed(wantsHtml(request) ? html(noMonitorPage, 404) : problemResponse(404))
        )
        return
      }
      const sessions = yield* Sessions
      const sample = yield* Monitor.make
      const numbers = Effect.map(sample, (body) =>
        HttpServerResponse.jsonUnsafe(body, { headers: { "cache-control": "no-store", vary: "Accept" } })
      )

      // Ends with the server's readiness to go on: a stream must not hold up a stop.
      const readings = Stream.fromEffectSchedule(sample, Schedule.spaced(everyMillis)).pipe(
        Stream.takeWhile(({ parley }) => parley.problems.every(({ check }) => check !== "draining")),
        Stream.map((reading) => `data: ${JSON.stringify(reading)}\n\n`),
        Stream.encodeText
      )
      const stream = Effect.succeed(
        HttpServerResponse.stream(readings, {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      )

      const guarded = (request: HttpServerRequest, shown: Effect.Effect<HttpServerResponse.HttpServerResponse>) => {
        const token = /^bearer +(\S+)$/i.exec(request.headers["authorization"] ?? "")?.[1]
        if (token === undefined) return Effect.succeed(problemResponse(401))
        return sessions.authenticate(Redacted.make(token)).pipe(
          Effect.andThen(shown),
          Effect.catchTags({
            InvalidToken: () => Effect.succeed(problemResponse(401)),
            StoreUnavailable: () => Effect.succeed(problemResponse(503))
          })
        )
      }

      const emptyPage = html(monitorPage())
      const filledPage = Effect.map(sample, (reading) => html(monitorPage(reading)))

      yield* router.add("GET", "/dashboard", (request) => {
        if (!wantsJson(request)) return options.dashboard === "open" ? filledPage : Effect.succeed(emptyPage)
        return options.dashboard === "open" ? numbers : guarded(request, numbers)
      })
      yield* router.add("GET", "/dashboard/stream", (request) =>
        options.dashboard === "open" ? stream : guarded(request, stream)
      )
    })
  )
