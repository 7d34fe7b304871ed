import { Schema } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { SessionId } from "../../domain/Account.ts"
import { replies, requests } from "../serverapi/ServerApiSchema.ts"
import type { ServerMethod } from "../serverapi/ServerApiSchema.ts"
import { RoomName, Seq } from "../../domain/Room.ts"
import { listedSessions } from "../../domain/Sessions.ts"
import {
  BodyTooLarge,
  LoginsLimited,
  MalformedBody,
  NameTaken,
  NoSuchSession,
  RoomForbidden,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  WrongCredentials,
  WrongPasswordShown
} from "./ApiProblems.ts"
import { Authorization, RefreshAuthorization } from "./Authorization.ts"
import { FullName, LoginField, NewPassword, Username } from "./Fields.ts"
import { refreshPath } from "./RefreshCookie.ts"
import { ServerApiKey } from "./ServerApiKey.ts"
import { serverApiPath } from "./ServerApiPaths.ts"
import { BodyValidation, QueryValidation } from "./Validation.ts"

/** How many messages a page of history may have, and has when nobody asks. */
const maxHistory = 1_000
export const defaultHistory = 100

const Registration = Schema.Struct({ username: Username, password: NewPassword, full_name: FullName })

const Registered = Schema.Struct({ username: Schema.String, full_name: Schema.String })

const Credentials = Schema.Struct({ username: LoginField, password: LoginField })

/** `refresh_token` is left out where the page asked for the cookie. */
const Tokens = Schema.Struct({ token: Schema.String, refresh_token: Schema.optionalKey(Schema.String) })

const LoggedIn = Schema.Struct({ ...Registered.fields, ...Tokens.fields })

const PasswordChange = Schema.Struct({ current_password: LoginField, new_password: NewPassword })

const instant = (description: string) => Schema.String.annotate({ description, format: "date-time" })

const OwnSession = Schema.Struct({
  id: Schema.String,
  created_at: instant("The login"),
  renewed_at: instant("The login or the last refresh: when it was used last, give or take an access token's life"),
  expires_at: instant("When it ends unless it is refreshed before"),
  current: Schema.Boolean.annotate({ description: "Whether it is the session that asks" })
})

const Message = Schema.Struct({
  from: Schema.String,
  message: Schema.String,
  date: Schema.String.annotate({
    description: "The server's clock, ISO 8601 UTC with milliseconds",
    format: "date-time"
  }),
  id: Schema.String,
  seq: Schema.Int,
  guest: Schema.optionalKey(Schema.Literal(true)),
  service: Schema.optionalKey(Schema.Literal(true))
})

const Position = Seq.annotate({ message: "must be a position: a whole number from 0 on" })

const Limit = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: maxHistory }, { message: `must be a whole number from 1 to ${maxHistory}` })
)

const wholeNumbers: Readonly<Record<string, object>> = {
  limit: { type: "integer", minimum: 1, maximum: maxHistory, default: defaultHistory },
  before: { type: "integer", minimum: 0 },
  after: { type: "integer", minimum: 0 }
}

/** The document says what a query parameter means, not how its text is spelled. */
const withWholeNumbers = (operation: Record<string, unknown>): Record<string, unknown> => ({
  ...operation,
  parameters: Array.isArray(operation["parameters"])
    ? operation["parameters"].map((parameter: { readonly name: string }) => {
        const schema = wholeNumbers[parameter.name]
        return schema === undefined ? parameter : { ...parameter, schema }
      })
    : []
})

const Room = RoomName.annotate({ message: "must be 1 to 64 letters, digits or _ . : -, optionally after a $" })

const users = HttpApiGroup.make("user")
  .add(
    HttpApiEndpoint.post("register", "/api/user/v1/register", {
      payload: Registration,
      success: Registered.pipe(HttpApiSchema.status(201)),
      error: [NameTaken, Unavailable, TooManyRequests]
    })
      .middleware(BodyValidation)
      .annotate(OpenApi.Summary, "Open an account"),
    HttpApiEndpoint.post("login", "/api/user/v1/login", {
      payload: Credentials,
      success: LoggedIn,
      error: [WrongCredentials, LoginsLimited, Unavailable, TooManyRequests]
    })
      .middleware(BodyValidation)
      .annotate(OpenApi.Summary, "Log in")
      .annotate(
        OpenApi.Description,
        "With `X-Parley-Page: 1` the refresh token comes as an HttpOnly cookie instead of in the body."
      ),
    HttpApiEndpoint.delete("logout", "/api/user/v1/logout", {
      success: HttpApiSchema.NoContent,
      error: [Unavailable, TooManyRequests]
    })
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "Log out")
      .annotate(OpenApi.Description, "The session is gone when this answers, and its sockets with it."),
    HttpApiEndpoint.put("refresh", refreshPath, {
      success: Tokens,
      error: [Unauthorized, Unavailable, TooManyRequests]
    })
      .middleware(RefreshAuthorization)
      .annotate(OpenApi.Summary, "Change the refresh token for a new pair")
      .annotate(
        OpenApi.Description,
        "The refresh token as bearer, or the page's cookie with `X-Parley-Page: 1` (then the new one comes as the cookie again). " +
          "A retry within 10 seconds gets the same pair; a later replay ends the session."
      )
  )
  .add(
    HttpApiEndpoint.put("changePassword", "/api/user/v1/password", {
      payload: PasswordChange,
      success: HttpApiSchema.NoContent,
      error: [WrongPasswordShown, LoginsLimited, Unavailable, TooManyRequests]
    })
      .middleware(BodyValidation)
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "Change the password")
      .annotate(
        OpenApi.Description,
        "Every other session ends, with its sockets, before this answers; the one that asks goes on. Counts as a login towards the limit."
      ),
    HttpApiEndpoint.get("sessions", "/api/user/v1/sessions", {
      success: Schema.Array(OwnSession),
      error: [Unavailable, TooManyRequests]
    })
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "One's own sessions")
      .annotate(OpenApi.Description, `Those renewed last first, ${listedSessions} at most.`),
    HttpApiEndpoint.delete("endSessions", "/api/user/v1/sessions", {
      success: HttpApiSchema.NoContent,
      error: [Unavailable, TooManyRequests]
    })
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "Sign out everywhere")
      .annotate(
        OpenApi.Description,
        "Every session ends, the one that asks too, with its sockets, before this answers."
      ),
    HttpApiEndpoint.delete("endSession", "/api/user/v1/sessions/:id", {
      params: { id: SessionId },
      success: HttpApiSchema.NoContent,
      error: [NoSuchSession, Unavailable, TooManyRequests]
    })
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "End one of one's own sessions")
      .annotate(OpenApi.Description, "It is gone when this answers, and its sockets with it.")
  )
  .annotate(OpenApi.Description, "Accounts and sessions")

const messages = HttpApiGroup.make("message")
  .add(
    HttpApiEndpoint.get("history", "/api/message/v1/history", {
      query: {
        room: Schema.optionalKey(Room),
        limit: Schema.optionalKey(Limit),
        before: Schema.optionalKey(Position),
        after: Schema.optionalKey(Position)
      },
      success: Schema.Array(Message),
      error: [RoomForbidden, Unavailable, TooManyRequests]
    })
      .middleware(QueryValidation)
      .middleware(Authorization)
      .annotate(OpenApi.Summary, "A page of a room's history")
      .annotate(OpenApi.Transform, withWholeNumbers)
      .annotate(
        OpenApi.Description,
        `Oldest first. Without \`before\` and \`after\` the newest ${defaultHistory}; \`Link\` has the page before (\`prev\`), or after \`after\` the page that follows (\`next\`). A private room (\`$…\`) is opened by a subscription token in \`X-Room-Token\`.`
      )
  )
  .annotate(OpenApi.Description, "Messages")

const serverMethod = <const Method extends ServerMethod>(method: Method, summary: string) =>
  HttpApiEndpoint.post(method, serverApiPath(method), {
    payload: requests[method],
    success: replies[method],
    error: [MalformedBody, BodyTooLarge, TooManyRequests]
  }).annotate(OpenApi.Summary, summary)

const server = HttpApiGroup.make("server")
  .add(
    serverMethod("publish", "Publish into a room"),
    serverMethod("broadcast", "Publish the same into many rooms"),
    serverMethod("history", "A page of a room's log"),
    serverMethod("presence", "Who is in a room"),
    serverMethod("presence_stats", "How many are in a room"),
    serverMethod("disconnect", "Close somebody's sockets"),
    serverMethod("unsubscribe", "End somebody's subscriptions"),
    serverMethod("channels", "Rooms that somebody is subscribed to"),
    serverMethod("info", "What this server holds"),
    serverMethod("batch", "Several commands at once")
  )
  .middleware(ServerApiKey)
  .annotate(
    OpenApi.Description,
    "For backends: Centrifugo's server API, by the key `API_KEY`. What fails is answered with 200 and `{error: {code, message}}`. Without a key set there is none (404). " +
      "With `SERVER_API_COMPAT=true` the methods stand at `/api/<method>`, too. Bodies are at most 1 MiB."
  )

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Every problem gets a `trace_id` on its way out, as it gets its `instance`: the document says so wherever a problem is described. */
const withTraceIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withTraceIds)
  if (!isRecord(value)) return value
  const mapped = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withTraceIds(member)]))
  const { properties } = mapped
  return isRecord(properties) && "instance" in properties && "title" in properties
    ? { ...mapped, properties: { ...properties, trace_id: { type: "string" } } }
    : mapped
}

/** The seed's HTTP API, as its README has it, and what was added to it. */
export const Api = HttpApi.make("parley")
  .add(users, messages, server)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
  .annotate(HttpApi.QueryParseOptions, { errors: "all" })
  .annotate(OpenApi.Transform, (document: Record<string, unknown>) => {
    const described = withTraceIds(document)
    return isRecord(described) ? described : document
  })
  .annotate(OpenApi.Title, "Parley")
  .annotate(OpenApi.Version, "1")
  .annotate(
    OpenApi.Description,
    "Real-time chat: accounts, sessions and the history of rooms. Errors are RFC 9457 problems."
  )
