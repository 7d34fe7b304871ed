import { Effect, Layer, Redacted, Tracer } from "effect"
import { makeOtelTracer } from "./OtelTracer.ts"

export interface ElasticApmOptions {
  readonly serverUrl: string
  readonly secretToken: Redacted.Redacted<string> | undefined
  readonly serviceName: string
  readonly version: string
}

/** How long the end of the process waits for what was not sent yet. */
const flushWithin = "2 seconds"

const complain = (detail: unknown, text: unknown): void => {
  const said = typeof text === "string" ? text : typeof detail === "string" ? detail : "?"
  process.stderr.write(`parley: Elastic APM: ${said.replaceAll("\n", " ")}\n`)
}
const silent = (): void => {}

/**
 * Effect's spans to an APM Server, by Elastic's agent and its OpenTelemetry bridge. The agent instruments nothing by itself: it knows neither `ws` nor the drivers of these
 * versions, and repository spans are ours; so it need not be loaded before everything else, and is loaded only where there is a server to send to.
 */
export const layer = (options: ElasticApmOptions): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.gen(function* () {
      const { default: apm } = yield* Effect.promise(() => import("elastic-apm-node"))
      const secretToken = options.secretToken === undefined ? {} : { secretToken: Redacted.value(options.secretToken) }
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          apm.start({
            serviceName: options.serviceName,
            serviceVersion: options.version,
            serverUrl: options.serverUrl,
            ...secretToken,
            opentelemetryBridgeEnabled: true,
            instrument: false,
            instrumentIncomingHTTPRequests: false,
            captureExceptions: false,
            captureBody: "off",
            captureHeaders: false,
            centralConfig: false,
            // Each transaction would be counted apart by each of its kinds of spans, at more than its own cost.
            breakdownMetrics: false,
            // Nobody is asked over the network where this machine stands.
            cloudProvider: "none",
            logger: {
              fatal: complain,
              error: complain,
              warn: complain,
              info: silent,
              debug: silent,
              trace: silent
            }
          })
        ),
        () =>
          Effect.promise(() => new Promise<void>((done) => apm.flush(() => done()))).pipe(
            Effect.timeoutOption(flushWithin),
            Effect.andThen(Effect.sync(() => apm.destroy()))
          )
      )
      return makeOtelTracer()
    })
  )
