import { Context, Effect, Layer } from "effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"

/** Paths are taken as they are spelled, but for a slash at the end. */
const routerConfig = { caseSensitive: true, ignoreDuplicateSlashes: false, ignoreTrailingSlash: true }

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

/** Which methods a path has: for `Allow`, and to tell 405 from 404. */
export class RouteTable extends Context.Service<
  RouteTable,
  {
    /** Empty where no route has the path. `HEAD` comes with `GET`. */
    readonly methodsOf: (path: string) => ReadonlyArray<string>
    /** The pattern of the route that answers: one of as many as there are routes, whatever is asked for. `undefined` where none does. */
    readonly routeOf: (method: string, path: string) => string | undefined
  }
>()("parley/adapters/http/RouteTable") {}

/** With a slash at the end, and nothing behind it: of whoever lost the id of the one thing that should go, all would go. */
const isCutShort = (path: string): boolean => path.length > 1 && path.endsWith("/")

/** A router that remembers which routes it was given. */
export const layer: Layer.Layer<HttpRouter.HttpRouter | RouteTable> = Layer.effectContext(
  Effect.gen(function* () {
    const router = yield* HttpRouter.make
    const known = FindMyWay.make<string>(routerConfig)
    const remember = (method: string, path: FindMyWay.PathInput) =>
      known.on(method === "*" ? [...methods] : method, path, path)

    const recording = HttpRouter.HttpRouter.of({
      ...router,
      add: (method, path, handler, options) => {
        remember(method, path)
        return router.add(method, path, handler, options)
      },
      addAll: (routes) => {
        for (const { method, path } of routes) remember(method, path)
        return router.addAll(routes)
      }
    })
    const table = RouteTable.of({
      methodsOf: (path) => {
        const found = methods.filter(
          (method) => known.find(method, path) !== undefined && !(method === "DELETE" && isCutShort(path))
        )
        return found.includes("GET") ? ["HEAD", ...found] : found
      },
      routeOf: (method, path) => {
        const asked = methods.find((known) => known === (method === "HEAD" ? "GET" : method))
        return asked === undefined ? undefined : known.find(asked, path)?.handler
      }
    })
    return Context.make(HttpRouter.HttpRouter, recording).pipe(Context.add(RouteTable, table))
  })
).pipe(Layer.provide(Layer.succeed(HttpRouter.RouterConfig, routerConfig)))
