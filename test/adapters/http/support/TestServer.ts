import { Context, Effect, Layer, Logger } from "effect"
import { layer as subscriptionTokens } from "../../../../src/adapters/crypto/SubscriptionTokens.ts"
import { layer as rateLimiter } from "../../../../src/adapters/memory/RateLimiter.ts"
import * as HttpApp from "../../../../src/adapters/http/HttpApp.ts"
import type { HttpAppOptions } from "../../../../src/adapters/http/HttpApp.ts"
import { HttpServers } from "../../../../src/adapters/http/HttpServers.ts"
import type { Auth } from "../../../../src/domain/Auth.ts"
import { EngineStats } from "../../../../src/domain/EngineStats.ts"
import { Limits } from "../../../../src/domain/Limits.ts"
import { Readiness } from "../../../../src/domain/Readiness.ts"
import { Epoch, Seq } from "../../../../src/domain/Room.ts"
import type { RoomName } from "../../../../src/domain/Room.ts"
import type { Entry } from "../../../../src/domain/RoomEvent.ts"
import { RoomAccess } from "../../../../src/domain/RoomAccess.ts"
import { RoomRegistry } from "../../../../src/domain/RoomRegistry.ts"
import type { Sessions } from "../../../../src/domain/Sessions.ts"
import { Journal, JournalError } from "../../../../src/ports/Journal.ts"
import { MessageHistory } from "../../../../src/ports/MessageHistory.ts"
import { ServerApi } from "../../../../src/adapters/serverapi/ServerApi.ts"
import { accounts } from "../../../support/Accounts.ts"
import { send } from "./Http.ts"
import type { Request } from "./Http.ts"

const defaults: HttpAppOptions = {
  appHost: "localhost",
  allowedHosts: ["chat.example"],
  allowedOrigins: ["https://friend.example"],
  trustedProxies: [],
  tls: false,
  ratePerMinute: 0,
  dashboard: "open",
  serverApi: { key: undefined, compat: false, ratePerMinute: 0 }
}

/** One thing written in a log, as the structured logger has it. */
export interface LogLine {
  readonly level: string
  readonly text: string
}

/** A server on free ports, and what a test needs to move it. */
export class TestServer extends Context.Service<
  TestServer,
  {
    readonly apiPort: number
    readonly socketPort: number
    readonly api: HttpServers["Service"]["api"]
    readonly readiness: Readiness["Service"]
    readonly rooms: Map<RoomName, ReadonlyArray<Entry>>
    readonly fail: { history: boolean }
    readonly log: Array<LogLine>
    readonly request: (request: Request) => ReturnType<typeof send>
  }
>()("parley/test/TestServer") {}

const rooms = new Map<RoomName, ReadonlyArray<Entry>>()

/** Pages of whatever the test put into `rooms`. */
const history = (entriesOf: (room: RoomName) => ReadonlyArray<Entry>, fail: { history: boolean }) =>
  Layer.succeed(MessageHistory, {
    page: ({ after, before, limit, room }) => {
      if (fail.history)
        return Effect.fail(new JournalError({ reason: "Refused", detail: "SQLITE_FULL: database or disk is full" }))
      const all = entriesOf(room)
      const within = all.filter(({ seq }) => seq > (after ?? 0) && seq < (before ?? Infinity))
      const entries = after === undefined ? within.slice(-limit) : within.slice(0, limit)
      return Effect.succeed({ entries, head: Seq.make(all.at(-1)?.seq ?? 0) })
    }
  })

const journal = Layer.mock(Journal)({ epoch: Epoch.make("epoch-1"), submit: () => {} })

/** Answers with what it was asked. */
const serverApi = Layer.succeed(ServerApi, {
  call: (method, params) => Effect.succeed({ result: { method, params } })
})

/** The whole HTTP adapter over accounts in memory; `people` takes the place of those. */
export const testServer = (
  options: Partial<HttpAppOptions> = {},
  people: Layer.Layer<Auth | Sessions, unknown> = accounts()
): Layer.Layer<TestServer> => {
  const log: Array<LogLine> = []
  const fail = { history: false }
  const logger = Logger.make(({ logLevel, ...entry }) => {
    log.push({ level: logLevel, text: Logger.formatLogFmt.log({ logLevel, ...entry }) })
  })
  return Layer.effect(
    TestServer,
    Effect.gen(function* () {
      const servers = yield* HttpServers
      const readiness = yield* Readiness
      const ports = yield* servers.listen
      return {
        ...ports,
        api: servers.api,
        readiness,
        rooms,
        fail,
        log,
        request: (request) => send({ port: ports.apiPort, ...request })
      }
    })
  ).pipe(
    Layer.provide(HttpApp.layer({ ...defaults, ...options })),
    // No room is in memory: what has one stands in test/e2e.
    Layer.provide(serverApi),
    Layer.provide([people, history((room) => rooms.get(room) ?? [], fail), rateLimiter(), RoomRegistry.layer()]),
    Layer.provide(Limits.layer),
    Layer.provide(Layer.provide(RoomAccess.layer, subscriptionTokens(undefined))),
    Layer.provide([journal, EngineStats.layer, Readiness.layer]),
    Layer.provide(HttpServers.layer({ host: "127.0.0.1", apiPort: 0, socketPort: 0 })),
    Layer.provide(Logger.layer([logger])),
    Layer.orDie
  )
}
