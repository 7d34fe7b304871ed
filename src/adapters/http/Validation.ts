import { Effect, Layer, SchemaIssue } from "effect"
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
const makeFormat = (typeError: (wanted: string) => string, otherwise: string) =>
  SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (issue) => {
      switch (issue._tag) {
        case "MissingKey":
          return "is required"
        case "UnexpectedKey":
          return "is not a field of this request"
        case "InvalidType":
          return typeError(issue.ast._tag)
        default:
          return otherwise
      }
    },
    checkHook: ({ filter }) => {
      const message = filter.annotations?.["message"]
      return typeof message === "string" ? message : otherwise
    }
  })

const formatBody = makeFormat((wanted) => expectations[wanted] ?? "has the wrong type", "is not acceptable")

/** A query parameter is text, and a list where it stands there twice; those that can fail to be read are numbers. */
const formatQuery = makeFormat(() => "may be given only once", "must be a whole number")

/** RFC 6901. */
const pointerOf = (path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> = []): string => {
  const pointer = path
    .map((segment) => String(typeof segment === "object" ? segment.key : segment))
    .map((segment) => `/${segment.replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("")
  return pointer.slice(0, maxPointer).toWellFormed()
}

/** Bodies that are not what the API's schema says: 400 where there is no JSON, 422 with every wrong field else. */
export class BodyValidation extends HttpApiMiddleware.Service<BodyValidation>()("parley/adapters/http/BodyValidation", {
  // 413 and 415 are answered before the schema sees anything; here they are for the OpenAPI document.
  error: [MalformedBody, InvalidFields, WrongMediaType, BodyTooLarge]
}) {}

/** Query parameters that are not what the API's schema says: 422 with every wrong one. */
export class QueryValidation extends HttpApiMiddleware.Service<QueryValidation>()(
  "parley/adapters/http/QueryValidation",
  {
    error: [InvalidFields]
  }
) {}

const invalidFields = (format: typeof formatBody, issue: SchemaIssue.Issue): InvalidFields => {
  const errors = format(issue)
    .issues.slice(0, maxErrors)
    .map(({ message, path }) => {
      const pointer = pointerOf(path)
      // A body that is no object fails as a whole, in words that no hook can choose.
      return { pointer, detail: pointer === "" ? "must be a JSON object" : message }
    })
  return new InvalidFields({ errors })
}

const bodyLayer = HttpApiMiddleware.layerSchemaErrorTransform(BodyValidation, (error) => {
  // Our own replies off schema are our fault: a defect, 500.
  if (error.kind !== "Payload") return Effect.fail(error)
  const { issue } = error.cause
  // The only value that is wrong by itself, before any schema: text that is no JSON.
  return Effect.fail(issue._tag === "InvalidValue" ? new MalformedBody({}) : invalidFields(formatBody, issue))
})

const queryLayer = HttpApiMiddleware.layerSchemaErrorTransform(QueryValidation, (error) =>
  Effect.fail(error.kind === "Query" ? invalidFields(formatQuery, error.cause.issue) : error)
)

export const layer: Layer.Layer<BodyValidation | QueryValidation> = Layer.merge(bodyLayer, queryLayer)
