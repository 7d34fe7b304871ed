import { Effect, Layer } from "effect"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Auth } from "../../domain/Auth.ts"
import type { EngineStats } from "../../domain/EngineStats.ts"
import { Limits } from "../../domain/Limits.ts"
import type { RoomRegistry } from "../../domain/RoomRegistry.ts"
import type { RoomAccess } from "../../domain/RoomAccess.ts"
import { Readiness } from "../../domain/Readiness.ts"
import type { Sessions } from "../../domain/Sessions.ts"
import type { Journal } from "../../ports/Journal.ts"
import type { MessageHistory } from "../../ports/MessageHistory.ts"
import type { RateLimiter } from "../../ports/RateLimiter.ts"
import type { ServerApi } from "../serverapi/ServerApi.ts"
import { Api } from "./Api.ts"
import * as Authorization from "./Authorization.ts"
import { makeOnClientError } from "./ClientErrors.ts"
import * as DashboardRoutes from "./DashboardRoutes.ts"
import type { DashboardOptions } from "./DashboardRoutes.ts"
import * as DocsRoutes from "./DocsRoutes.ts"
import * as Edge from "./Edge.ts"
import type { EdgeOptions } from "./Edge.ts"
import { makeGate } from "./Gate.ts"
import { HttpServers } from "./HttpServers.ts"
import { RequestDurations } from "./RequestDurations.ts"
import * as ChatPage from "./page/ChatPage.ts"
import type { AssetMissing } from "./page/PageAssets.ts"
import * as MessageRoutes from "./MessageRoutes.ts"
import * as NewestPage from "./NewestPage.ts"
import * as RouteTable from "./RouteTable.ts"
import { makeSocketPortHandler } from "./SocketPort.ts"
import * as ServerApiKey from "./ServerApiKey.ts"
import * as ServerApiRoutes from "./ServerApiRoutes.ts"
import * as SystemRoutes from "./SystemRoutes.ts"
import * as UserRoutes from "./UserRoutes.ts"
import * as Validation from "./Validation.ts"

export interface HttpAppOptions extends EdgeOptions, DashboardOptions {}

const apiRoutes = (options: HttpAppOptions) =>
  HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide([UserRoutes.layer, MessageRoutes.layer, ServerApiRoutes.layer]),
    Layer.provide([
      Validation.layer,
      Authorization.layer,
      Authorization.refreshLayer,
      ServerApiKey.layer(options.serverApi.key)
    ])
  )

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const chatPage = Layer.unwrap(
  Effect.map(HttpServers, ({ api, socket }) =>
    ChatPage.layer({ apiPort: () => portOf(api), socketPort: () => portOf(socket) })
  )
)

const routes = (options: HttpAppOptions) =>
  Layer.mergeAll(
    apiRoutes(options),
    ServerApiRoutes.compatLayer(options),
    chatPage,
    SystemRoutes.layer,
    DashboardRoutes.layer(options),
    DocsRoutes.layer
  )

/** Puts the routes on the API's server, around them what every request shares; on the socket port stands a signpost. */
const mount = (options: HttpAppOptions) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { api, socket } = yield* HttpServers
      const readiness = yield* Readiness
      const router = yield* HttpRouter.HttpRouter
      const limits = yield* Limits
      const gate = makeGate(options, readiness, limits)
      const onClientError = makeOnClientError(limits)
      const edge = yield* Edge.make(options, gate)
      const newestPage = yield* NewestPage.make(options, gate)
      const scope = yield* Effect.scope
      const handle = yield* NodeHttpServer.makeHandler(edge(router.asHttpEffect()), { scope })
      const onRequest = (request: IncomingMessage, response: ServerResponse) =>
        newestPage(request, response, () => handle(request, response))

      // Whoever announces too large a body is answered before he sends it.
      const onContinue = (request: IncomingMessage, response: ServerResponse) => {
        const most = Edge.maxBodyBytesOf(options, Edge.pathOf(request.url ?? ""))
        if (!(Number(request.headers["content-length"] ?? 0) > most)) response.writeContinue()
        handle(request, response)
      }
      const signpost = makeSocketPortHandler(() => readiness.problems().some(({ check }) => check === "draining"))

      yield* Effect.acquireRelease(
        Effect.sync(() => {
          api.on("request", onRequest)
          api.on("checkContinue", onContinue)
          if (socket !== api) socket.on("request", signpost)
          for (const server of new Set([api, socket])) server.on("clientError", onClientError)
        }),
        () =>
          Effect.sync(() => {
            api.off("request", onRequest)
            api.off("checkContinue", onContinue)
            socket.off("request", signpost)
            for (const server of new Set([api, socket])) server.off("clientError", onClientError)
          })
      )
    })
  )

/**
 * The HTTP half of the server: the API, its documents, the chat page, probes, metrics and the monitor on the API's port. Mounted when the layer is built, served
 * once `HttpServers.listen` has run. It adds no `upgrade` listener. Requests under way when the scope ends are interrupted: drain first.
 */
export const layer = (
  options: HttpAppOptions
): Layer.Layer<
  never,
  AssetMissing,
  | Auth
  | Sessions
  | RoomAccess
  | RoomRegistry
  | MessageHistory
  | Journal
  | ServerApi
  | RateLimiter
  | EngineStats
  | Limits
  | Readiness
  | HttpServers
> =>
  Layer.mergeAll(routes(options), mount(options)).pipe(
    Layer.provide([RouteTable.layer, RequestDurations.layer]),
    Layer.provide(NodeHttpServer.layerHttpServices)
  )
