import { Schema } from "effect"
import * as HttpApiError from "effect/http-api/HttpApiError"
import { problemType } from "./Problem.ts"

/** How long to wait, whole seconds; the same as `Retry-After`. */
const retryAfter = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Whole seconds, rounded up, at least one. */
export const secondsOf = (millis: number): number => Math.max(1, Math.ceil(millis / 1000))

export const malformedBody = { type: problemType("malformed-json"), title: "The body is not valid JSON" } as const

/** The body is no JSON. */
export class MalformedBody extends HttpApiError.Problem<MalformedBody>()("MalformedBody", {
  ...malformedBody,
  status: 400
}) {}

/** One wrong field: `pointer` is an RFC 6901 pointer into the body, or `/` and the name of a query parameter. */
const FieldError = Schema.Struct({ pointer: Schema.String, detail: Schema.String })

/** Names every wrong field (the first 32). */
export class InvalidFields extends HttpApiError.Problem<InvalidFields>()(
  "InvalidFields",
  { type: problemType("invalid-fields"), status: 422, title: "Some fields are not acceptable" },
  { errors: Schema.Array(FieldError) }
) {}

/** No access token, or one that is not valid now. */
export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: problemType("unauthorized"),
  status: 401,
  title: "A valid token is needed"
}) {}

/** Unknown user or wrong password: one body. */
export class WrongCredentials extends HttpApiError.Problem<WrongCredentials>()("WrongCredentials", {
  type: problemType("wrong-credentials"),
  status: 401,
  title: "Username or password is wrong"
}) {}

/** The current password that a change of it brought is wrong; the session is as good as before. */
export class WrongPasswordShown extends HttpApiError.Problem<WrongPasswordShown>()("WrongPasswordShown", {
  type: problemType("wrong-password"),
  status: 403,
  title: "The current password is wrong"
}) {}

/** None of one's own sessions has this id. */
export class NoSuchSession extends HttpApiError.Problem<NoSuchSession>()("NoSuchSession", {
  type: problemType("no-such-session"),
  status: 404,
  title: "You have no session of this id"
}) {}

export class RoomForbidden extends HttpApiError.Problem<RoomForbidden>()("RoomForbidden", {
  type: problemType("room-forbidden"),
  status: 403,
  title: "You may not enter this room"
}) {}

export class NameTaken extends HttpApiError.Problem<NameTaken>()("NameTaken", {
  type: problemType("username-taken"),
  status: 409,
  title: "This username is taken"
}) {}

/** The body is not `application/json`. */
export class WrongMediaType extends HttpApiError.Problem<WrongMediaType>()("WrongMediaType", {
  type: problemType("unsupported-media-type"),
  status: 415,
  title: "The body must be application/json"
}) {}

/** The body is over 64 KiB; of the server API, over 1 MiB. */
export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: problemType("body-too-large"),
  status: 413,
  title: "The body is too large"
}) {}

/** The limit of `/api/*`, a minute and client address. */
export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()(
  "TooManyRequests",
  { type: problemType("too-many-requests"), status: 429, title: "Too many requests" },
  { retry_after: retryAfter }
) {}

/** The limit of logins, a minute, account and client address. */
export class LoginsLimited extends HttpApiError.Problem<LoginsLimited>()(
  "LoginsLimited",
  { type: problemType("too-many-logins"), status: 429, title: "Too many logins of this account" },
  { retry_after: retryAfter }
) {}

/** There is no server API: `API_KEY` is not set. */
export class ServerApiOff extends HttpApiError.Problem<ServerApiOff>()("ServerApiOff", {
  type: problemType("server-api-off"),
  status: 404,
  title: "There is no server API while API_KEY is not set"
}) {}

export const wrongKey = { type: problemType("wrong-key"), title: "The server API needs its key" } as const

/** No key, or another one. */
export class WrongKey extends HttpApiError.Problem<WrongKey>()("WrongKey", {
  ...wrongKey,
  status: 401
}) {}

/** A store does not answer or passwords are checked as fast as they can be; nothing was changed. */
export class Unavailable extends HttpApiError.Problem<Unavailable>()(
  "Unavailable",
  { type: problemType("unavailable"), status: 503, title: "Not available at the moment" },
  { retry_after: retryAfter }
) {}
