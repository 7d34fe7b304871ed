import { Layer } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"

export interface OtlpOptions {
  /** The collector, without a path of its own: traces go to `/v1/traces` below it. */
  readonly endpoint: string
  readonly serviceName: string
  readonly version: string
}

/** Effect's spans to an OpenTelemetry collector, by OTLP over HTTP. What waits is sent before the layer ends. */
export const layer = ({ endpoint, serviceName, version }: OtlpOptions): Layer.Layer<never> =>
  OtlpTracer.layer({
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    resource: { serviceName, serviceVersion: version },
    exportInterval: "1 second",
    shutdownTimeout: "2 seconds"
  }).pipe(Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]), Layer.orDie)
