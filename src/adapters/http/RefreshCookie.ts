import { Effect, Redacted } from "effect"
import { Clock } from "effect"
import * as HttpEffect from "effect/http/HttpEffect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { TokenPair } from "../../domain/Sessions.ts"
import { CurrentVisit } from "./Visit.ts"

export const refreshPath = "/api/user/v1/refresh-token"
export const refreshCookieName = "parley_refresh"
/** A browser takes a cookie of this prefix only by TLS, for this very host and all of its paths: no neighbour's subdomain can put its own in our place. */
const secureCookieName = `__Host-${refreshCookieName}`

/**
 * A page that sends `X-Parley-Page: 1` gets its refresh token as a cookie that no script can read, and **not in the body**. Only with this header
 * is the cookie taken, too: no form can send it, and a foreign page's script may not (its preflight is refused by `OriginPolicy`, and ours
 * never allows credentials), which together with `SameSite=Strict` keeps other sites from refreshing.
 */
const pageHeader = "x-parley-page"

export const isPage = (request: HttpServerRequest): boolean => request.headers[pageHeader] === "1"

/** `Secure` only where the connection is: browsers drop such a cookie on plain HTTP elsewhere than on localhost. */
const attributes = (secure: boolean) =>
  ({ httpOnly: true, sameSite: "strict", path: secure ? "/" : refreshPath, secure }) as const

const nameOf = (secure: boolean): string => (secure ? secureCookieName : refreshCookieName)

/** The refresh token of the page's cookie; empty where there is none that this connection may bring. */
export const refreshCookieOf = Effect.fnUntraced(function* (request: HttpServerRequest) {
  const { secure } = yield* CurrentVisit
  return Redacted.make(request.cookies[nameOf(secure)] ?? "")
})

export const setRefreshCookie = Effect.fnUntraced(function* ({ refreshExpiresAt, refreshToken }: TokenPair) {
  const { secure } = yield* CurrentVisit
  const now = yield* Clock.currentTimeMillis
  const maxAge = `${Math.max(0, Math.floor((refreshExpiresAt - now) / 1000))} seconds` as const
  yield* HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, nameOf(secure), Redacted.value(refreshToken), {
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
      HttpServerResponse.setCookieUnsafe(response, nameOf(secure), "", { ...attributes(secure), maxAge: 0 })
    )
  )
})
