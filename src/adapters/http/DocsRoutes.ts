import { Effect, Layer } from "effect"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { asyncApi } from "../ws/AsyncApi.ts"
import { Api } from "./Api.ts"
import { hashSource } from "./ReplyHeaders.ts"

const path = "/docs"

/** The texts of the page's inline scripts. */
const inlineScripts = (html: string): ReadonlyArray<string> =>
  html
    .split("<script>")
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf("</script>")))

/** Scripts by their hashes alone. Scalar writes style elements: inline styles are allowed here and nowhere else. */
const policyOf = (html: string): string =>
  [
    "default-src 'none'",
    `script-src ${inlineScripts(html).map(hashSource).join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

/** Both wires, for programs. Made when it is first asked for, once. */
const wires = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const document = Effect.sync(() =>
      HttpServerResponse.jsonUnsafe(asyncApi(), { headers: { "cache-control": "public, max-age=3600" } })
    )
    yield* router.add("GET", "/asyncapi.json", yield* Effect.cached(document))
  })
)

/**
 * The API's reference page. Its script is 3 MB: it is loaded, rendered and hashed when the page is first asked for, once.
 */
const page = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const render = Effect.gen(function* () {
      const inner = yield* HttpRouter.make
      const routes = HttpApiScalar.layer(Api, { path, scalar: { withDefaultFonts: false } })
      yield* Layer.buildWithScope(Layer.provide(routes, Layer.succeed(HttpRouter.HttpRouter, inner)), scope)
      const page = yield* Effect.orDie(inner.asHttpEffect())
      const { body } = page
      const html = body._tag === "Uint8Array" ? (body.text ?? new TextDecoder().decode(body.body)) : ""
      return HttpServerResponse.setHeaders(page, {
        "content-security-policy": policyOf(html),
        "cache-control": "public, max-age=3600"
      })
    })
    yield* router.add("GET", path, yield* Effect.cached(Effect.uninterruptible(render)))
  })
)

export const layer = Layer.merge(page, wires)
