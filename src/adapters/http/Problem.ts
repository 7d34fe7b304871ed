import * as HttpServerResponse from "effect/http/HttpServerResponse"

import type { Visit } from "./Visit.ts"

/** `application/problem+json` of RFC 9457. */
export const problemContentType = "application/problem+json"

/** The type URI of a problem: stable, what clients should decide by. */
export const problemType = <const Name extends string>(name: Name): `urn:parley:problem:${Name}` =>
  `urn:parley:problem:${name}`

interface ProblemKind {
  readonly name: string
  readonly title: string
}

/** What is said where no route spoke for itself, by status. */
const kinds: Readonly<Record<number, ProblemKind>> = {
  400: { name: "bad-request", title: "The request is malformed" },
  401: { name: "unauthorized", title: "A valid token is needed" },
  403: { name: "origin-refused", title: "Pages of this origin may not use this server" },
  404: { name: "not-found", title: "There is nothing here" },
  405: { name: "method-not-allowed", title: "This resource does not have that method" },
  408: { name: "too-slow", title: "The request took too long to arrive" },
  413: { name: "body-too-large", title: "The body is larger than 64 KiB" },
  415: { name: "unsupported-media-type", title: "The body must be application/json" },
  421: { name: "wrong-host", title: "This server does not serve that host" },
  426: { name: "upgrade-required", title: "This port speaks WebSocket" },
  429: { name: "too-many-requests", title: "Too many requests" },
  500: { name: "internal", title: "Something went wrong here" },
  503: { name: "unavailable", title: "Not available at the moment" }
}

const kindOf = (status: number): ProblemKind =>
  kinds[status] ??
  (status < 500
    ? { name: "bad-request", title: "The request was refused" }
    : { name: "internal", title: "Something went wrong here" })

/** The problem of a status, in the order people read it. `members` are extensions (RFC 9457, section 3.2). */
export const problemOf = (status: number, members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => {
  const { name, title } = kindOf(status)
  return { type: problemType(name), title, status, ...members }
}

/** Sent as it is; whoever answers requests adds the `instance`. */
export const problemResponse = (
  status: number,
  members: Readonly<Record<string, unknown>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(problemOf(status, members), { status, contentType: problemContentType })

/** The type of a page that says in words, to a browser that asked for one, why there is nothing. No library writes it so. */
export const pageContentType = "text/html; charset=utf-8"

const recordOf = (text: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(text)
  return typeof value === "object" && value !== null ? { ...value } : {}
}

/** Where a reply asks to be tried again: after what its problem says, at least a second. */
const retryAfter = (status: number, seconds: unknown): Record<string, string> =>
  typeof seconds === "number" ? { "retry-after": String(seconds) } : status === 503 ? { "retry-after": "1" } : {}

/**
 * The same reply as a problem with `instance`, the id of the request, `trace_id`, by which its trace and its log lines are found, and with `Retry-After` where it is 503 or has a `retry_after`: a problem keeps
 * its members, a page stays as it is, any other error body (a library's text) gives way to the problem of its status. Headers and cookies stay.
 */
export const asProblem = (
  response: HttpServerResponse.HttpServerResponse,
  { id, traceId }: Pick<Visit, "id" | "traceId">
): HttpServerResponse.HttpServerResponse => {
  const { body, status } = response
  if (body._tag === "Uint8Array" && body.contentType === pageContentType) return response
  const own = body._tag === "Uint8Array" && body.contentType === problemContentType
  const {
    type,
    title,
    status: declared,
    ...members
  } = own ? recordOf(body.text ?? new TextDecoder().decode(body.body)) : problemOf(status)
  const { "content-length": _length, "content-type": _type, ...headers } = response.headers
  return HttpServerResponse.jsonUnsafe(
    { type, title, status: declared, instance: id, ...members, trace_id: traceId },
    {
      status,
      headers: { ...headers, ...retryAfter(status, members["retry_after"]) },
      cookies: response.cookies,
      contentType: problemContentType
    }
  )
}
