import { Effect, SchemaIssue } from "effect"
import type { Layer } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { BodyTooLarge, InvalidFields, MalformedBody, WrongMediaType } from "./ApiProblems.ts"

/** A body of 64 KiB can have ten thousand wrong fields: the reply names so many, and cuts longer pointers. */
const maxErrors = 32
const maxPointer = 128

const expectations: Readonly<Record<string, string>> = {
  String: "must be a string",
  Number: "must be a number",
  Boolean: "must be true or false",
  Objects: "must be a JSON object",
  Arrays: "must be a list"
}

/** Our own words for every way to be wrong: no library's text, and never the value itself (it may be a password). */
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "is required"
      case "UnexpectedKey":
        return "is not a field of this request"
      case "InvalidType":
        return expectations[issue.ast._tag] ?? "has the wrong type"
      default:
        return "is not acceptable"
    }
  },
  checkHook: ({ filter }) => {
    const message = filter.annotations?.["message"]
    return typeof message === "string" ? message : "is not acceptable"
  }
})

/** RFC 6901. */
const pointerOf = (path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> = []): string => {
  const pointer = path
    .map((segment) => String(typeof segment === "object" ? segment.key : segment))
    .map((segment) => `/${segment.replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("")
  return pointer.slice(0, maxPointer).toWellFormed()
}

/** Requests that are not what the API's schema says: 400 where there is no JSON, 422 with every wrong field else. */
export class Validation extends HttpApiMiddleware.Service<Validation>()("parley/adapters/http/Validation", {
  // 413 and 415 are answered before the schema sees anything; here they are for the OpenAPI document.
  error: [MalformedBody, InvalidFields, WrongMediaType, BodyTooLarge]
}) {}

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(Validation, (error) => {
  // Our own replies off schema are our fault: a defect, 500.
  if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.fail(error)
  const { issue } = error.cause
  // The only value that is wrong by itself, before any schema: text that is no JSON.
  if (error.kind === "Payload" && issue._tag === "InvalidValue") return Effect.fail(new MalformedBody({}))
  const errors = formatIssue(issue)
    .issues.slice(0, maxErrors)
    .map(({ message, path }) => {
      const pointer = pointerOf(path)
      // A body that is no object fails as a whole, in words that no hook can choose.
      return { pointer, detail: pointer === "" ? "must be a JSON object" : message }
    })
  return Effect.fail(new InvalidFields({ errors }))
})
