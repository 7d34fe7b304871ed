import { readFileSync } from "node:fs"
import { Effect, Queue } from "effect"
import type { Certificate } from "./adapters/http/HttpServers.ts"
import { HttpServers } from "./adapters/http/HttpServers.ts"
import { StartError } from "./StartError.ts"

interface Files {
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
}

const read = (variable: string, file: string): Effect.Effect<string, StartError> =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (error) =>
      new StartError({
        lines: [`${variable}: ${file} cannot be read (${error instanceof Error ? error.message : String(error)})`]
      })
  })

/** What the files hold now; `undefined` where none are named. */
export const readCertificate = ({ tlsCert, tlsKey }: Files): Effect.Effect<Certificate | undefined, StartError> =>
  tlsCert === undefined || tlsKey === undefined
    ? Effect.succeed(undefined)
    : Effect.all({ cert: read("TLS_CERT", tlsCert), key: read("TLS_KEY", tlsKey) })

/** Reads the files again at each SIGHUP. What does not fit changes nothing, and the log says why. */
export const renewOnHangUp = (files: Files) =>
  Effect.gen(function* () {
    if (files.tlsCert === undefined) return
    const servers = yield* HttpServers
    // One reading more than the one under way is enough, however often it is asked for.
    const asked = yield* Queue.sliding<void>(1)
    const onHangUp = (): void => void Queue.offerUnsafe(asked, undefined)
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGHUP", onHangUp)),
      () => Effect.sync(() => process.off("SIGHUP", onHangUp))
    )
    const renewed = Effect.gen(function* () {
      yield* Queue.take(asked)
      const certificate = yield* readCertificate(files)
      if (certificate === undefined) return
      yield* servers.renew(certificate)
      yield* Effect.logInfo("the TLS certificate was read again")
    }).pipe(Effect.catch((error) => Effect.logError("the TLS certificate stays as it was", error)))
    yield* Effect.forkScoped(Effect.forever(renewed))
  })
