import { join } from "node:path"
import { Context, Deferred, Duration, Effect, Fiber, Layer } from "effect"
import { loadOrMake } from "./adapters/crypto/SecretFile.ts"
import type { AccessOptions } from "./adapters/http/AccessOptions.ts"
import { forwardingOf, makeClientAddress } from "./adapters/http/ClientAddress.ts"
import { makeHostPolicy } from "./adapters/http/HostPolicy.ts"
import { layer as httpApp } from "./adapters/http/HttpApp.ts"
import { HttpServers } from "./adapters/http/HttpServers.ts"
import { Overload } from "./adapters/http/Overload.ts"
import { layer as standby } from "./adapters/http/Standby.ts"
import { makeOriginPolicy } from "./adapters/http/OriginPolicy.ts"
import { layer as statsLog } from "./adapters/observability/StatsLog.ts"
import { ServerApi } from "./adapters/serverapi/ServerApi.ts"
import { ChatSockets } from "./adapters/ws/ChatSockets.ts"
import { layer as upgrades } from "./adapters/ws/Upgrades.ts"
import { readCertificate } from "./Certificates.ts"
import { chatLayer } from "./ChatLayer.ts"
import type { AppConfig } from "./Config.ts"
import { layer as dependencyProbe } from "./domain/DependencyProbe.ts"
import { EngineStats } from "./domain/EngineStats.ts"
import { Limits } from "./domain/Limits.ts"
import { Readiness } from "./domain/Readiness.ts"
import type { JournalError } from "./ports/Journal.ts"
import { Ownership } from "./ports/Ownership.ts"
import type { OwnershipLost } from "./ports/Ownership.ts"
import { storesOf } from "./Stores.ts"
import { version } from "./Version.ts"

/** What the server needs to know; `AppConfig` is one. */
export type ServerOptions = Omit<AppConfig, "logFile" | "logLevel" | "warnings">

/** A server that is listening, and ready. */
export class Server extends Context.Service<
  Server,
  {
    readonly apiPort: number
    readonly socketPort: number
    /** Where the page is, for a browser on this machine. */
    readonly url: string
    readonly socketUrl: string
    /** Never succeeds. Fails when the store cannot be trusted any more, or is another process's now: the server must be ended then. */
    readonly broken: Effect.Effect<never, JournalError | OwnershipLost>
  }
>()("parley/Server") {}

/** The host for a URL: one that listens everywhere is reached here. */
const urlHost = (host: string): string => {
  if (host === "0.0.0.0" || host === "::") return "localhost"
  return host.includes(":") ? `[${host}]` : host
}

const accessOf = (options: ServerOptions): AccessOptions => ({
  appHost: options.host,
  allowedHosts: options.allowedHosts,
  allowedOrigins: options.allowedOrigins,
  trustedProxies: options.trustedProxies,
  tls: options.tlsCert !== undefined
})

const chat = (options: ServerOptions) =>
  Layer.unwrap(
    Effect.map(
      options.jwtSecret === undefined
        ? loadOrMake(join(options.dataDir, "jwt-secret"))
        : Effect.succeed(options.jwtSecret),
      (secret) =>
        chatLayer({
          secret,
          previousSecrets: options.jwtSecretPrevious === undefined ? [] : [options.jwtSecretPrevious],
          subscriptionSecret: options.subscriptionSecret,
          accessTtlMillis: Duration.toMillis(options.accessTokenTtl),
          refreshTtlMillis: Duration.toMillis(options.refreshTokenTtl),
          loginsPerMinute: options.loginsPerMinute,
          sockets: {
            guests: options.guests,
            messageRate: options.messageRate,
            messageBurst: options.messageBurst,
            socketsPerUser: options.socketsPerUser,
            socketsPerAddress: options.socketsPerIp,
            wireLimits: {
              channels: options.channelsPerSocket,
              channelName: options.channelNameLength,
              frameBytes: options.frameBytes,
              commandsAFrame: options.commandsPerFrame
            }
          }
        })
    )
  )

/** A handshake passes the same Host and Origin policies as a request. */
const webSockets = (access: AccessOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const limits = yield* Limits
      const servesHost = makeHostPolicy(access)
      const originVerdict = makeOriginPolicy(access)
      const clientAddress = makeClientAddress(access)
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      return upgrades({
        address: (remote, headers) => {
          const forwarding = forwardingOf(headers)
          if (clientAddress.isUnknownProxy(remote, forwarding)) limits.hit("unknown_proxy", remote ?? "unknown")
          return clientAddress.of(remote, forwarding).key
        },
        guard: ({ host, origin }) => {
          if (!servesHost(host)) {
            fork(Effect.logWarning("A socket was refused: ALLOWED_HOSTS does not name its Host", { host }))
            return { status: 421, title: "Misdirected Request", detail: "This server does not serve that Host." }
          }
          const verdict = originVerdict(origin, host)
          if (verdict.accepted) return undefined
          fork(Effect.logWarning(`A socket was refused: ${verdict.reason}`))
          return { status: 403, title: "Forbidden", detail: "This origin may not open a socket here." }
        }
      })
    })
  )

type Broken = Deferred.Deferred<never, JournalError | OwnershipLost>

/** How often who stands by says whom it waits for. */
const sayEvery = "1 second"

/** Everything that is built on this waits until this process owns the stores; `/readyz` names who does meanwhile. */
const owned = (broken: Broken) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const ownership = yield* Ownership
      const readiness = yield* Readiness
      const say = Effect.gen(function* () {
        const holder = ownership.holder()
        if (holder === undefined) return
        if (readiness.problems().every(({ check }) => check !== "ownership")) {
          yield* Effect.logInfo("standing by: another process owns the stores", { holder })
        }
        readiness.set("ownership", `another process owns the stores: ${holder}`)
      })
      const saying = yield* Effect.forkChild(Effect.forever(Effect.delay(say, sayEvery)))
      const { lost } = yield* ownership.acquire
      yield* Fiber.interrupt(saying)
      readiness.set("ownership", undefined)
      yield* Effect.forkScoped(Effect.catch(lost, (error) => Deferred.fail(broken, error)))
    })
  )

/** The doors are held from the first moment on: whoever cannot listen says so before it touches a store. */
class FrontDoor extends Context.Service<FrontDoor, { readonly apiPort: number; readonly socketPort: number }>()(
  "parley/FrontDoor"
) {
  static readonly layer = Layer.effect(
    FrontDoor,
    Effect.gen(function* () {
      const readiness = yield* Readiness
      readiness.set("starting", "the server is starting")
      return yield* Effect.flatMap(HttpServers, ({ listen }) => listen)
    })
  ).pipe(Layer.provideMerge(standby))
}

/** Ready when everything behind the doors stands. The end goes the other way: not ready any more, then sockets drained while `/readyz` still answers. */
const ready = (options: ServerOptions, broken: Broken) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const { apiPort, socketPort } = yield* FrontDoor
      const sockets = yield* ChatSockets
      const readiness = yield* Readiness
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          Effect.sync(() => readiness.set("draining", "the server is stopping")),
          sockets.drain
        )
      )
      readiness.set("starting", undefined)
      const host = urlHost(options.host)
      const secure = options.tlsCert === undefined ? "" : "s"
      return {
        apiPort,
        socketPort,
        url: `http${secure}://${host}:${apiPort}`,
        socketUrl: `ws${secure}://${host}:${socketPort}/message/v1/send`,
        broken: Deferred.await(broken)
      }
    })
  )

export interface StartMode {
  /** Whether to wait while another process owns the stores, as a spare; else that is an error. */
  readonly standBy: boolean
}

/** The whole server, on the stores that the options name. Whatever it fails with has a `message` of one line, for whoever started it. */
export const serverLayer = (options: ServerOptions, { standBy }: StartMode) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const broken: Broken = yield* Deferred.make<never, JournalError | OwnershipLost>()
      const access = accessOf(options)
      const onBroken = (error: JournalError): void => void Deferred.doneUnsafe(broken, Effect.fail(error))
      const { ownership, stores } = storesOf({ ...options, standBy, onBroken })
      return ready(options, broken).pipe(
        Layer.provide(
          Layer.mergeAll(
            dependencyProbe,
            statsLog,
            Layer.provide(webSockets(access), Overload.layer),
            Layer.provide(
              httpApp({
                ...access,
                ratePerMinute: options.rateLimitPerMinute,
                dashboard: options.dashboard,
                serverApi: {
                  key: options.apiKey,
                  compat: options.serverApiCompat === "true",
                  ratePerMinute: options.serverApiPerMinute
                }
              }),
              ServerApi.layer({ version })
            )
          )
        ),
        Layer.provideMerge(chat(options)),
        Layer.provideMerge(stores),
        Layer.provide(owned(broken)),
        Layer.provide(ownership),
        Layer.provideMerge(FrontDoor.layer),
        Layer.provideMerge(
          Layer.unwrap(
            Effect.map(readCertificate(options), (certificate) =>
              HttpServers.layer({
                host: options.host,
                apiPort: options.apiPort,
                socketPort: options.socketPort,
                certificate
              })
            )
          )
        ),
        Layer.provideMerge(Layer.merge(Readiness.layer, EngineStats.layer))
      )
    })
  )
