import { Ajv2020 } from "ajv/dist/2020.js"
import { Arbitrary, Effect, Schema } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../../src/adapters/http/Api.ts"

/** A route of the API as its definition has it. */
export interface Route {
  readonly method: string
  readonly path: string
  /** Bodies that are right; empty where there is none. */
  readonly bodies: ReadonlyArray<unknown>
  /** Query parameters that are right. */
  readonly queries: ReadonlyArray<Readonly<Record<string, string>>>
  /** Path parameters that are right. */
  readonly parameters: ReadonlyArray<Readonly<Record<string, string>>>
  /** Why the document does not foresee such a reply, or `undefined`. */
  readonly fault: (status: number, contentType: string, text: string) => string | undefined
}

const samples = 50
/** Names of 6 to 20 characters are rare among all strings. */
const maxDiscards = 1_000_000

/** What is read of a definition: the types of an API say which routes it has, and this is about all of them. */
interface Definition {
  readonly groups: Readonly<Record<string, { readonly endpoints: Readonly<Record<string, Endpoint>> }>>
}

interface Endpoint {
  readonly method: string
  readonly path: string
  readonly params: Schema.Codec<unknown, unknown> | undefined
  readonly query: Schema.Codec<unknown, unknown> | undefined
  readonly payload: ReadonlyMap<string, { readonly schemas: ReadonlyArray<Schema.Codec<unknown, unknown>> }>
}

const right = (codec: Schema.Codec<unknown, unknown> | undefined, seed: number): ReadonlyArray<unknown> => {
  if (codec === undefined) return []
  const encode = Schema.encodeUnknownSync(codec)
  return Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(codec), { count: samples, seed, maxDiscards })).map(
    (value) => encode(value)
  )
}

/** Every route of the API, with samples of what its Schemas take. The same seed gives the same. */
export const routes = (seed: number): ReadonlyArray<Route> => {
  const document = OpenApi.fromApi(Api)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: "api", components: document.components })
  return Object.values((Api as unknown as Definition).groups).flatMap(({ endpoints }) =>
    Object.values(endpoints).map((endpoint) => {
      const { method, path } = endpoint
      const [payload] = [...endpoint.payload.values()].flatMap(({ schemas }) => [...schemas])
      const item = document.paths[path.replaceAll(/:(\w+)/g, "{$1}")] as unknown as Readonly<Record<string, Operation>>
      const replies = item[method.toLowerCase()]?.responses ?? {}
      const validators = new Map(
        Object.entries(replies).flatMap(([status, { content = {} }]) =>
          Object.entries(content).map(([type, { schema }]) => [
            `${status} ${type}`,
            ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll("#/components", "api#/components")) as object)
          ])
        )
      )
      return {
        method,
        path,
        bodies: right(payload, seed),
        parameters: right(endpoint.params, seed) as ReadonlyArray<Readonly<Record<string, string>>>,
        queries: right(endpoint.query, seed) as ReadonlyArray<Readonly<Record<string, string>>>,
        fault: (status, contentType, text) => {
          const reply = replies[String(status)]
          if (reply === undefined) return "the document has no such status"
          if (reply.content === undefined) return text === "" ? undefined : "it has a body, and should have none"
          const validate = validators.get(`${status} ${contentType.split(";", 1)[0]}`)
          if (validate === undefined) return `the document has no ${contentType} for it`
          return validate(JSON.parse(text)) ? undefined : ajv.errorsText(validate.errors)
        }
      } satisfies Route
    })
  )
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
