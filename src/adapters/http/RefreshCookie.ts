import { Effect, Redacted } from "effect"
import { Clock } from "effect"
import * as HttpEffect from "effect/http/HttpEffect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { TokenPair } from "../../domain/Sessions.ts"
import { CurrentVisit } from "./Visit.ts"

export const refreshPath = "/api/user/v1/refresh-token"
export const refreshCookieName = "parley_refresh"

/**
 * A page that sends `X-Parley-Page: 1` gets its refresh token as a cookie that no script can read, and **not in the body**. Only with this header
 * is the cookie taken, too: no form can send it, and a foreign page's script may not (its preflight is refused by `OriginPolicy`, and ours
 * never allows credentials), which together with `SameSite=Strict` keeps other sites from refreshing.
 */
const pageHeader = "x-parley-page"

export const isPage = (request: HttpServerRequest): boolean => request.headers[pageHeader] === "1"

/** `Secure` only where the connection is: browsers drop such a cookie on plain HTTP elsewhere than on localhost. */
const attributes = (secure: boolean) => ({ httpOnly: true, sameSite: "strict", path: refreshPath, secure }) as const

export const setRefreshCookie = Effect.fnUntraced(function* ({ refreshExpiresAt, refreshToken }: TokenPair) {
  const { secure } = yield* CurrentVisit
  const now = yield* Clock.currentTimeMillis
  const maxAge = `${Math.max(0, Math.floor((refreshExpiresAt - now) / 1000))} seconds` as const
  yield* HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, refreshCookieName, Redacted.value(refreshToken), {
        ...attributes(secure),
        maxAge
      })
    )
  )
})

export const clearRefreshCookie = Effect.gen(function* () {
  const { secure } = yield* CurrentVisit
  yield* HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, refreshCookieName, "", { ...attributes(secure), maxAge: 0 })
    )
  )
})
