import { Effect, Struct } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { ServerApi } from "../serverapi/ServerApi.ts"
import { requests } from "../serverapi/ServerApiSchema.ts"
import type { ServerMethod } from "../serverapi/ServerApiSchema.ts"
import { Api } from "./Api.ts"
import { malformedBody, wrongKey } from "./ApiProblems.ts"
import { problemResponse } from "./Problem.ts"
import { makeKeyCheck } from "./ServerApiKey.ts"
import { compatPath } from "./ServerApiPaths.ts"
import type { ServerApiOptions } from "./ServerApiPaths.ts"

/** The body is no JSON. */
const notJson = Symbol("notJson")

/** Nothing, as `curl -X POST` sends it to `info`, asks for nothing in particular. */
const valueOf = (text: string): unknown => {
  if (text === "") return {}
  try {
    return JSON.parse(text)
  } catch {
    return notJson
  }
}

/** The method's answer to a request's body, whatever media type it says it has. What is wrong with the request's fields is in the answer; HTTP's own errors are problems. */
const makeAnswer = Effect.map(
  ServerApi,
  ({ call }) =>
    (method: ServerMethod, request: HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
      request.text.pipe(
        Effect.map(valueOf),
        Effect.flatMap((value) =>
          value === notJson
            ? Effect.succeed(problemResponse(400, malformedBody))
            : Effect.map(call(method, value), (reply) => HttpServerResponse.jsonUnsafe(reply))
        ),
        Effect.catch(({ reason }) => {
          const isTooLarge = reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
          return Effect.succeed(problemResponse(isTooLarge ? 413 : 400))
        })
      )
)

export const layer = HttpApiBuilder.group(
  Api,
  "server",
  Effect.fnUntraced(function* (handlers) {
    const answer = yield* makeAnswer
    const by =
      (method: ServerMethod) =>
      ({ request }: { readonly request: HttpServerRequest }) =>
        answer(method, request)
    return handlers
      .handleRaw("publish", by("publish"))
      .handleRaw("broadcast", by("broadcast"))
      .handleRaw("history", by("history"))
      .handleRaw("presence", by("presence"))
      .handleRaw("presence_stats", by("presence_stats"))
      .handleRaw("disconnect", by("disconnect"))
      .handleRaw("unsubscribe", by("unsubscribe"))
      .handleRaw("channels", by("channels"))
      .handleRaw("info", by("info"))
      .handleRaw("batch", by("batch"))
  })
)

/** The same at Centrifugo's paths, where they are asked for. */
export const compatLayer = ({ serverApi: { compat, key } }: ServerApiOptions) =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      if (!compat || key === undefined) return
      const isShown = makeKeyCheck(key)
      const answer = yield* makeAnswer
      for (const method of Struct.keys(requests)) {
        yield* router.add("POST", compatPath(method), (request) =>
          isShown(request.headers) ? answer(method, request) : Effect.succeed(problemResponse(401, wrongKey))
        )
      }
    })
  )
