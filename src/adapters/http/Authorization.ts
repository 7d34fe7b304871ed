import { Context, Effect, Layer, Redacted } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { Principal } from "../../domain/Account.ts"
import { Sessions } from "../../domain/Sessions.ts"
import { Unauthorized, Unavailable } from "./ApiProblems.ts"
import { isPage, refreshCookieName, refreshCookieOf } from "./RefreshCookie.ts"

/** How soon to try again when a store does not answer. */
export const storeRetrySeconds = 2

/** Who shows a valid access token. */
export class CurrentPrincipal extends Context.Service<CurrentPrincipal, Principal>()(
  "parley/adapters/http/CurrentPrincipal"
) {}

/** `Authorization: Bearer <access token>`. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentPrincipal }>()(
  "parley/adapters/http/Authorization",
  { security: { accessToken: HttpApiSecurity.bearer }, error: [Unauthorized, Unavailable] }
) {}

/** The refresh token that was shown, unchecked. */
export class ShownRefreshToken extends Context.Service<ShownRefreshToken, Redacted.Redacted<string>>()(
  "parley/adapters/http/ShownRefreshToken"
) {}

/** `Authorization: Bearer <refresh token>`, or the page's cookie together with its header. */
export class RefreshAuthorization extends HttpApiMiddleware.Service<
  RefreshAuthorization,
  { provides: ShownRefreshToken }
>()("parley/adapters/http/RefreshAuthorization", {
  security: {
    refreshToken: HttpApiSecurity.bearer,
    refreshCookie: HttpApiSecurity.apiKey({ in: "cookie", key: refreshCookieName })
  },
  error: [Unauthorized]
}) {}

const isEmpty = (token: Redacted.Redacted<string>): boolean => Redacted.value(token) === ""

export const layer: Layer.Layer<Authorization, never, Sessions> = Layer.effect(
  Authorization,
  Effect.map(Sessions, (sessions) => ({
    accessToken: (httpEffect, { credential }) =>
      Effect.flatMap(
        isEmpty(credential)
          ? Effect.fail(new Unauthorized({}))
          : sessions.authenticate(credential).pipe(
              Effect.catchTags({
                InvalidToken: ({ reason }) =>
                  Effect.andThen(
                    Effect.logDebug("refused an access token", { reason }),
                    Effect.fail(new Unauthorized({}))
                  ),
                StoreUnavailable: ({ detail, store }) =>
                  Effect.andThen(
                    Effect.logWarning(`the ${store} store does not answer`, { detail }),
                    Effect.fail(new Unavailable({ retry_after: storeRetrySeconds }))
                  )
              }),
              Effect.tap(({ userId }) => Effect.annotateCurrentSpan("user.id", userId)),
              Effect.withSpan("AuthMiddleware")
            ),
        (principal) => Effect.provideService(httpEffect, CurrentPrincipal, principal)
      )
  }))
)

const shown = (token: Redacted.Redacted<string>, taken: boolean) =>
  taken && !isEmpty(token) ? Effect.succeed(token) : Effect.fail(new Unauthorized({}))

export const refreshLayer: Layer.Layer<RefreshAuthorization> = Layer.succeed(RefreshAuthorization, {
  refreshToken: (httpEffect, { credential }) =>
    Effect.flatMap(Effect.withSpan(shown(credential, true), "MiddlewareRefreshToken"), (token) =>
      Effect.provideService(httpEffect, ShownRefreshToken, token)
    ),
  // Not the credential that the library read: by TLS the cookie has another name.
  refreshCookie: (httpEffect) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest
      const token = yield* Effect.withSpan(
        shown(yield* refreshCookieOf(request), isPage(request)),
        "MiddlewareRefreshToken"
      )
      return yield* Effect.provideService(httpEffect, ShownRefreshToken, token)
    })
})
