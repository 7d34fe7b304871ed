import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api"
import type { Context as OtelContext, Span as OtelSpan, TimeInput } from "@opentelemetry/api"
import { Cause, Context, Exit, Option, Tracer } from "effect"

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER
} as const

/** `[seconds, nanoseconds]`, as OpenTelemetry has it. */
const timeOf = (nanos: bigint): TimeInput => [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]

/** Elastic's bridge reads names that the conventions have renamed since: both are written. */
const formerNames: Readonly<Record<string, string>> = {
  "http.request.method": "http.method",
  "http.response.status_code": "http.status_code",
  "url.full": "http.url",
  "url.scheme": "http.scheme",
  "db.system.name": "db.system",
  "db.namespace": "db.name",
  "db.query.text": "db.statement",
  "db.operation.name": "db.operation"
}

/** What somebody should look at: a store that does not answer, and what nobody foresaw. A wrong password is a failure, and no more. */
const tellingTags = new Set(["StoreUnavailable", "JournalError", "SqlError"])

const isTelling = (error: unknown): boolean =>
  error instanceof Error && (!("_tag" in error) || tellingTags.has(String(error._tag)))

/** Errors that were recorded, on the innermost span: those around it only fail. */
const recorded = new WeakSet<object>()

const recordableIn = (cause: Cause.Cause<unknown>): Error | undefined => {
  const error = Cause.squash(cause)
  if (!(error instanceof Error) || recorded.has(error) || !isTelling(error)) return undefined
  recorded.add(error)
  return error
}

class BridgedSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly links: Array<Tracer.SpanLink>
  readonly kind: Tracer.SpanKind
  readonly sampled: boolean
  readonly attributes = new Map<string, unknown>()
  readonly traceId: string
  readonly spanId: string
  readonly otel: OtelSpan
  status: Tracer.SpanStatus

  constructor(otel: OtelSpan, options: Parameters<Tracer.Tracer["span"]>[0]) {
    const { spanId, traceFlags, traceId } = otel.spanContext()
    this.otel = otel
    this.spanId = spanId
    this.traceId = traceId
    this.sampled = (traceFlags & 1) !== 0
    this.name = options.name
    this.parent = options.parent
    this.annotations = options.annotations
    this.links = options.links
    this.kind = options.kind
    this.status = { _tag: "Started", startTime: options.startTime }
  }

  attribute(key: string, value: unknown): void {
    this.attributes.set(key, value)
    const plain =
      typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : String(value)
    this.otel.setAttribute(key, plain)
    const former = formerNames[key]
    if (former !== undefined) this.otel.setAttribute(former, plain)
  }

  event(): void {
    // Elastic's bridge drops them.
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links.push(...links)
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
    if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      const error = recordableIn(exit.cause)
      if (error !== undefined) this.otel.recordException(error, timeOf(endTime))
      this.#setStatus(SpanStatusCode.ERROR)
    } else this.#setStatus(SpanStatusCode.OK)
    this.otel.end(timeOf(endTime))
  }

  /** The bridge wants the code itself, the interface an object with it (elastic/apm-agent-nodejs#4389). */
  #setStatus(code: SpanStatusCode): void {
    const setStatus: unknown = Reflect.get(this.otel, "setStatus")
    if (typeof setStatus === "function") Reflect.apply(setStatus, this.otel, [code])
  }
}

/** On the active context, which is the bridge's own: of any other it would take the parent for another process's, and make a transaction of each span. */
const contextOf = (parent: Option.Option<Tracer.AnySpan>): OtelContext => {
  if (Option.isNone(parent)) return ROOT_CONTEXT
  const span = parent.value
  if (span instanceof BridgedSpan) return trace.setSpan(context.active(), span.otel)
  const { sampled, spanId, traceId } = span
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** Effect's spans as those of whoever provides OpenTelemetry's API in this process. Fibers carry them: the process's context is not asked who the parent is. */
export const makeOtelTracer = (): Tracer.Tracer => {
  const tracer = trace.getTracer("parley")
  return Tracer.make({
    span: (options) => {
      const beginning = { kind: kinds[options.kind], startTime: timeOf(options.startTime), root: options.root }
      return new BridgedSpan(tracer.startSpan(options.name, beginning, contextOf(options.parent)), options)
    }
  })
}
