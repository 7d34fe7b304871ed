import { Clock, Context, Effect, Layer, Option, Tracer } from "effect"
import type { Redacted } from "effect"
import { TracerDisabledWhen } from "effect/http/HttpMiddleware"
import { TracerEnabled } from "effect/References"
import { CurrentTracing, Tracing } from "./Tracing.ts"

export interface TracingTarget {
  readonly serviceName: string
  readonly version: string
  /** Elastic's APM Server; wins over the collector. */
  readonly apmServerUrl: string | undefined
  readonly apmSecretToken: Redacted.Redacted<string> | undefined
  /** An OpenTelemetry collector. */
  readonly otlpEndpoint: string | undefined
  readonly traceRequests: number
  readonly traceMessages: number
}

const exporter = ({ apmSecretToken, apmServerUrl, otlpEndpoint, serviceName, version }: TracingTarget) =>
  Effect.gen(function* () {
    if (apmServerUrl !== undefined) {
      const { layer } = yield* Effect.promise(() => import("./ElasticApm.ts"))
      return layer({ serverUrl: apmServerUrl, secretToken: apmSecretToken, serviceName, version })
    }
    if (otlpEndpoint === undefined) return undefined
    const { layer } = yield* Effect.promise(() => import("./Otlp.ts"))
    return layer({ endpoint: otlpEndpoint, serviceName, version })
  })

/** What has no parent is none of ours: purges and probes make no traces. It goes to nobody, and so does what is inside. */
const insideOnly = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const { parent } = options
      return Option.isSome(parent) && parent.value.sampled
        ? tracer.span(options)
        : Tracer.nativeTracer.span({ ...options, sampled: false })
    }
  })

/** Nothing is a span but what `Tracing` begins, and what runs inside of it. Without a target no exporter is loaded, and nothing is a span at all. */
export const layer = (target: TracingTarget): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.map(exporter(target), (exporting) => {
      if (exporting === undefined) return Layer.succeed(TracerEnabled, false)
      const begin = Layer.effectContext(
        Effect.gen(function* () {
          const tracer = yield* Tracer.Tracer
          const tracing = new Tracing(tracer, yield* Clock.Clock, {
            requestsPerSecond: target.traceRequests,
            oneMessageIn: target.traceMessages
          })
          // Effect's HTTP server would begin a trace of its own.
          return Context.make(CurrentTracing, tracing).pipe(
            Context.add(Tracer.Tracer, insideOnly(tracer)),
            Context.add(TracerDisabledWhen, () => true)
          )
        })
      )
      return Layer.provide(begin, exporting)
    })
  )
