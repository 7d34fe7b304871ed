import { createHash, timingSafeEqual } from "node:crypto"
import { Effect, Layer, Redacted } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ServerApiOff, WrongKey } from "./ApiProblems.ts"

/** `X-API-Key: <key>`, or `Authorization: apikey <key>`. */
export class ServerApiKey extends HttpApiMiddleware.Service<ServerApiKey>()("parley/adapters/http/ServerApiKey", {
  security: {
    apiKey: HttpApiSecurity.apiKey({ in: "header", key: "x-api-key" }),
    apiKeyAuthorization: HttpApiSecurity.http({ scheme: "apikey" })
  },
  error: [WrongKey, ServerApiOff]
}) {}

/** Of equal length whatever was shown, so that the comparison tells nothing by its time. */
const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest()

const shownKey = (headers: Readonly<Record<string, string | undefined>>): string =>
  headers["x-api-key"] ?? /^apikey +(.+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? ""

/** Whether a request shows the key; before any of its body is read. */
export const makeKeyCheck = (key: Redacted.Redacted<string>) => {
  const right = digest(Redacted.value(key))
  return (headers: Readonly<Record<string, string | undefined>>): boolean =>
    timingSafeEqual(digest(shownKey(headers)), right)
}

export const layer = (key: Redacted.Redacted<string> | undefined): Layer.Layer<ServerApiKey> => {
  const isShown = key === undefined ? undefined : makeKeyCheck(key)
  const guard = <A, E, R>(httpEffect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      if (isShown === undefined) return yield* new ServerApiOff({})
      const { headers } = yield* HttpServerRequest
      return isShown(headers) ? yield* httpEffect : yield* new WrongKey({})
    })
  return Layer.succeed(ServerApiKey, { apiKey: guard, apiKeyAuthorization: guard })
}
