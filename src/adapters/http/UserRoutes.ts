import { Effect, Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { Auth } from "../../domain/Auth.ts"
import type { TooManyLogins } from "../../domain/Auth.ts"
import { Limits } from "../../domain/Limits.ts"
import { Sessions } from "../../domain/Sessions.ts"
import type { TokenPair } from "../../domain/Sessions.ts"
import type { HasherOverloaded } from "../../ports/PasswordHasher.ts"
import type { StoreUnavailable } from "../../ports/Users.ts"
import { Api } from "./Api.ts"
import {
  LoginsLimited,
  NameTaken,
  NoSuchSession,
  Unauthorized,
  Unavailable,
  WrongCredentials,
  WrongPasswordShown,
  secondsOf
} from "./ApiProblems.ts"
import { CurrentPrincipal, ShownRefreshToken, storeRetrySeconds } from "./Authorization.ts"
import { canonicalUsername } from "./Fields.ts"
import { clearRefreshCookie, isPage, setRefreshCookie } from "./RefreshCookie.ts"
import { CurrentVisit } from "./Visit.ts"

/** What every route answers when something it stands on is not there. The store's own words stay in the log. */
const whenDown = {
  StoreUnavailable: ({ detail, store }: StoreUnavailable) =>
    Effect.andThen(
      Effect.logWarning(`the ${store} store does not answer`, { detail }),
      Effect.fail(new Unavailable({ retry_after: storeRetrySeconds }))
    )
}

const instant = (millis: number): string => new Date(millis).toISOString()

/** The pair as the caller asked for it: in the body, or its refresh token as the page's cookie. */
const handOver = (request: HttpServerRequest, tokens: TokenPair) => {
  const token = Redacted.value(tokens.accessToken)
  return isPage(request)
    ? Effect.as(setRefreshCookie(tokens), { token })
    : Effect.succeed({ token, refresh_token: Redacted.value(tokens.refreshToken) })
}

/**
 * Register, login, logout, refresh, the password and one's own sessions. What has changed something is not stopped half-way because its client has hung up: a logout
 * closes its sockets, a new name is taken from its guests.
 */
export const layer = HttpApiBuilder.group(
  Api,
  "user",
  Effect.fnUntraced(function* (handlers) {
    const auth = yield* Auth
    const sessions = yield* Sessions
    const limits = yield* Limits
    const down = {
      ...whenDown,
      HasherOverloaded: ({ retryAfterMs }: HasherOverloaded) =>
        Effect.gen(function* () {
          limits.hit("hashing", (yield* CurrentVisit).clientKey)
          return yield* new Unavailable({ retry_after: secondsOf(retryAfterMs) })
        })
    }
    const loginsLimited = ({ retryAfterMs }: TooManyLogins) =>
      Effect.gen(function* () {
        limits.hit("logins", (yield* CurrentVisit).clientKey)
        return yield* new LoginsLimited({ retry_after: secondsOf(retryAfterMs) })
      })
    const whole = { uninterruptible: true }

    return handlers
      .handle(
        "register",
        ({ payload }) =>
          auth
            .register({
              username: canonicalUsername(payload.username),
              password: Redacted.make(payload.password),
              fullName: payload.full_name
            })
            .pipe(
              Effect.map(({ fullName, username }) => ({ username, full_name: fullName })),
              Effect.catchTags({ ...down, UsernameTaken: () => Effect.fail(new NameTaken({})) })
            ),
        whole
      )
      .handle("login", ({ payload, request }) =>
        Effect.gen(function* () {
          const { clientKey } = yield* CurrentVisit
          const { profile, tokens } = yield* auth.login({
            username: canonicalUsername(payload.username),
            password: Redacted.make(payload.password),
            ip: clientKey
          })
          const shown = yield* handOver(request, tokens)
          return { username: profile.username, full_name: profile.fullName, ...shown }
        }).pipe(
          Effect.catchTags({
            ...down,
            InvalidCredentials: () => Effect.fail(new WrongCredentials({})),
            TooManyLogins: loginsLimited
          })
        )
      )
      .handle(
        "logout",
        () =>
          Effect.gen(function* () {
            yield* sessions.end(yield* CurrentPrincipal)
            yield* clearRefreshCookie
          }).pipe(Effect.catchTags({ StoreUnavailable: whenDown.StoreUnavailable })),
        whole
      )
      .handle(
        "refresh",
        ({ request }) =>
          Effect.gen(function* () {
            const tokens = yield* sessions.refresh(yield* ShownRefreshToken)
            return yield* handOver(request, tokens)
          }).pipe(
            Effect.catchTags({
              StoreUnavailable: whenDown.StoreUnavailable,
              InvalidToken: ({ reason }) =>
                Effect.andThen(
                  reason === "replayed"
                    ? Effect.logWarning("a refresh token was shown again after its use: its session is ended")
                    : Effect.logDebug("refused a refresh token", { reason }),
                  Effect.fail(new Unauthorized({}))
                )
            })
          ),
        whole
      )
      .handle(
        "changePassword",
        ({ payload }) =>
          Effect.gen(function* () {
            const { clientKey } = yield* CurrentVisit
            yield* auth.changePassword({
              principal: yield* CurrentPrincipal,
              current: Redacted.make(payload.current_password),
              next: Redacted.make(payload.new_password),
              ip: clientKey
            })
          }).pipe(
            Effect.catchTags({
              ...down,
              TooManyLogins: loginsLimited,
              WrongPassword: () => Effect.fail(new WrongPasswordShown({}))
            })
          ),
        whole
      )
      .handle("sessions", () =>
        Effect.gen(function* () {
          const own = yield* sessions.list(yield* CurrentPrincipal)
          return own.map(({ createdAt, current, expiresAt, renewedAt, sessionId }) => ({
            id: sessionId,
            created_at: instant(createdAt),
            renewed_at: instant(renewedAt),
            expires_at: instant(expiresAt),
            current
          }))
        }).pipe(Effect.catchTags({ StoreUnavailable: whenDown.StoreUnavailable }))
      )
      .handle(
        "endSessions",
        () =>
          Effect.gen(function* () {
            const { userId } = yield* CurrentPrincipal
            yield* sessions.endAll(userId)
            yield* clearRefreshCookie
          }).pipe(Effect.catchTags({ StoreUnavailable: whenDown.StoreUnavailable })),
        whole
      )
      .handle(
        "endSession",
        ({ params }) =>
          Effect.gen(function* () {
            const his = yield* sessions.endOne(yield* CurrentPrincipal, params.id)
            if (!his) yield* new NoSuchSession({})
          }).pipe(Effect.catchTags({ StoreUnavailable: whenDown.StoreUnavailable })),
        whole
      )
  })
)
