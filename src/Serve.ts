import { Cause, Data, Effect, Layer } from "effect"
import { layer as logger } from "./adapters/observability/Logger.ts"
import { layer as tracingLayer } from "./adapters/observability/TracingLayer.ts"
import { version } from "./Version.ts"
import { renewOnHangUp } from "./Certificates.ts"
import { loadConfig } from "./Config.ts"
import type { AppConfig } from "./Config.ts"
import { Readiness } from "./domain/Readiness.ts"
import { runProcess } from "./RunProcess.ts"
import type { Uncaught } from "./RunProcess.ts"
import { environment, startFailure } from "./Environment.ts"
import { Server, serverLayer } from "./Server.ts"

/** A failure that the log has told of already. */
class Logged extends Data.TaggedError("Logged")<{ readonly cause: unknown }> {
  constructor(cause: unknown) {
    super({ cause })
  }
}

const whenReady = Effect.gen(function* () {
  const readiness = yield* Readiness
  while (readiness.problems().length > 0) yield* Effect.sleep("20 millis")
})

/** Until the store breaks, nobody catches an error, or a signal comes. */
const running = (config: AppConfig, uncaught: Effect.Effect<never, Uncaught>) =>
  Effect.gen(function* () {
    const server = yield* Server
    yield* renewOnHangUp(config)
    yield* whenReady
    yield* Effect.logInfo("listening", { apiPort: server.apiPort, socketPort: server.socketPort, version })
    process.stdout.write(`Parley is ready: ${server.url}  (WebSocket ${server.socketUrl})\n`)
    yield* Effect.raceFirst(server.broken, uncaught).pipe(
      // The end of the log tells why; the terminal shows the log.
      Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logFatal("stopping", cause))),
      Effect.onInterrupt(() => Effect.logInfo("stopping")),
      Effect.mapError((error) => new Logged(error))
    )
  })

/** Runs the server as this process until a signal ends it. */
export const serve = (): void =>
  runProcess(
    (uncaught) =>
      Effect.gen(function* () {
        const config = yield* loadConfig(yield* environment)
        const log = logger({ file: config.logFile, level: config.logLevel, serviceName: config.serviceName, version })
        const tracing = tracingLayer({ ...config, version })
        yield* Effect.gen(function* () {
          const server = yield* Layer.build(serverLayer(config, { standBy: true }))
          yield* Effect.forEach(config.warnings, (warning) => Effect.logWarning(warning))
          yield* Effect.provideContext(running(config, uncaught), server)
        }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(tracing, log)))
      }),
    (cause) => (Cause.squash(cause) instanceof Logged ? "" : startFailure(cause))
  )
