import { Cause, Deferred, Effect, Layer } from "effect"
import { layer as logger } from "./adapters/observability/Logger.ts"
import { version } from "./Version.ts"
import { loadConfig } from "./Config.ts"
import { EngineStats } from "./domain/EngineStats.ts"
import type { JournalError } from "./ports/Journal.ts"
import { Ownership } from "./ports/Ownership.ts"
import { environment, startFailure } from "./Environment.ts"
import { runProcess } from "./RunProcess.ts"
import { storesOf } from "./Stores.ts"

const waitsFor = "1 second"

/**
 * Brings the stores to this release and ends: tables, indexes, and what the original application wrote. The server does the same when it starts; this is for
 * whoever wants it done, or seen to fail, before. It waits until no server owns the stores.
 */
export const migrate = (): void =>
  runProcess(
    (uncaught) =>
      Effect.gen(function* () {
        const config = yield* loadConfig(yield* environment)
        const broken = yield* Deferred.make<never, JournalError>()
        const onBroken = (error: JournalError): void => void Deferred.doneUnsafe(broken, Effect.fail(error))
        const { ownership, stores } = storesOf({ ...config, standBy: true, onBroken })
        const work = Effect.gen(function* () {
          const { acquire, holder } = yield* Ownership
          const saying = yield* Effect.suspend(() => {
            const owner = holder()
            return owner === undefined ? Effect.void : Effect.logInfo("waiting for the owner of the stores", { owner })
          }).pipe(Effect.delay(waitsFor), Effect.forever, Effect.forkScoped)
          const { lost } = yield* acquire
          saying.interruptUnsafe()
          yield* Layer.build(stores).pipe(
            Effect.raceFirst(lost),
            Effect.raceFirst(Deferred.await(broken)),
            Effect.raceFirst(uncaught)
          )
        })
        yield* work.pipe(
          Effect.scoped,
          Effect.provide(Layer.merge(ownership, EngineStats.layer)),
          Effect.provide(
            logger({ file: config.logFile, level: config.logLevel, serviceName: config.serviceName, version })
          )
        )
        process.stdout.write(`The stores are ready for Parley ${version}.\n`)
      }),
    (cause: Cause.Cause<unknown>) => startFailure(cause)
  )
