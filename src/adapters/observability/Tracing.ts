import { Context, Exit, Option } from "effect"
import type { Clock, Tracer } from "effect"

export interface TracingOptions {
  /** HTTP requests traced a second at most, where the caller did not ask for it; 0 is none but errors. */
  readonly requestsPerSecond: number
  /** One message in so many; 0 is none but errors. */
  readonly oneMessageIn: number
}

type Attributes = Readonly<Record<string, unknown>>

interface SpanBeginning {
  readonly parent?: Tracer.AnySpan | undefined
  readonly kind?: Tracer.SpanKind
  readonly attributes?: Attributes
  /** Nanoseconds since 1970; now by default. */
  readonly at?: bigint
}

/** Begins traces, and decides which: everything else is a span only inside one of these. */
export class Tracing {
  readonly #tracer: Tracer.Tracer
  readonly #clock: Clock.Clock
  readonly #options: TracingOptions
  #requests: number
  #filledAt: number
  #messages = 0

  constructor(tracer: Tracer.Tracer, clock: Clock.Clock, options: TracingOptions) {
    this.#tracer = tracer
    this.#clock = clock
    this.#options = options
    this.#requests = options.requestsPerSecond
    this.#filledAt = clock.currentTimeMillisUnsafe()
  }

  now(): bigint {
    return this.#clock.currentTimeNanosUnsafe()
  }

  /** Whether a request that comes now would be traced. */
  get wantsRequest(): boolean {
    const { requestsPerSecond } = this.#options
    const now = this.#clock.currentTimeMillisUnsafe()
    const fresh = ((now - this.#filledAt) / 1000) * requestsPerSecond
    if (fresh >= 1) {
      this.#requests = Math.min(requestsPerSecond, this.#requests + fresh)
      this.#filledAt = now
    }
    return this.#requests >= 1
  }

  takeRequest(): boolean {
    if (!this.wantsRequest) return false
    this.#requests -= 1
    return true
  }

  takeMessage(): boolean {
    const { oneMessageIn } = this.#options
    if (oneMessageIn === 0) return false
    this.#messages = (this.#messages + 1) % oneMessageIn
    return this.#messages === 0 || oneMessageIn === 1
  }

  begin(name: string, { at, attributes = {}, kind = "internal", parent }: SpanBeginning): Tracer.Span {
    const span = this.#tracer.span({
      name,
      parent: Option.fromUndefinedOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: at ?? this.now(),
      kind,
      root: parent === undefined,
      sampled: true
    })
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    return span
  }

  /** `failure` makes it one. */
  end(span: Tracer.Span, failure?: Error, at?: bigint): void {
    span.end(at ?? this.now(), failure === undefined ? Exit.void : Exit.fail(failure))
  }
}

/** `undefined`: nothing is traced, and it costs nothing. */
export const CurrentTracing = Context.Reference<Tracing | undefined>("parley/adapters/observability/Tracing", {
  defaultValue: () => undefined
})
