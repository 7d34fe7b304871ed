import { Context, Exit, Option } from "effect"
import type { Clock, Tracer } from "effect"

export interface TracingOptions {
  /** HTTP requests traced a second at most, where the caller did not ask for it; 0 is none but errors. */
  readonly requestsPerSecond: number
  /** One message in so many, and 20 a second at most; 0 is none but errors. */
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

/** Messages traced a second at most: a flood costs no more than this. */
const messagesPerSecond = 20

/** So many a second, and as many at once. */
class Allowance {
  readonly #perSecond: number
  readonly #now: () => number
  #left: number
  #filledAt: number

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
    this.#left = perSecond
    this.#filledAt = now()
  }

  get has(): boolean {
    const now = this.#now()
    const fresh = ((now - this.#filledAt) / 1000) * this.#perSecond
    if (fresh >= 1) {
      this.#left = Math.min(this.#perSecond, this.#left + fresh)
      this.#filledAt = now
    }
    return this.#left >= 1
  }

  take(): boolean {
    if (!this.has) return false
    this.#left -= 1
    return true
  }
}

/** Begins traces, and decides which: everything else is a span only inside one of these. */
export class Tracing {
  readonly #tracer: Tracer.Tracer
  readonly #clock: Clock.Clock
  readonly #oneMessageIn: number
  readonly #requests: Allowance
  readonly #sampledMessages: Allowance
  #messages = 0

  constructor(tracer: Tracer.Tracer, clock: Clock.Clock, options: TracingOptions) {
    this.#tracer = tracer
    this.#clock = clock
    const now = () => clock.currentTimeMillisUnsafe()
    this.#oneMessageIn = options.oneMessageIn
    this.#requests = new Allowance(options.requestsPerSecond, now)
    this.#sampledMessages = new Allowance(messagesPerSecond, now)
  }

  now(): bigint {
    return this.#clock.currentTimeNanosUnsafe()
  }

  /** Whether a request that comes now would be traced. */
  get wantsRequest(): boolean {
    return this.#requests.has
  }

  takeRequest(): boolean {
    return this.#requests.take()
  }

  /** `wanted`: whoever opened its socket samples. */
  takeMessage(wanted: boolean): boolean {
    if (wanted) return this.#sampledMessages.take()
    if (this.#oneMessageIn === 0) return false
    this.#messages = (this.#messages + 1) % this.#oneMessageIn
    return this.#messages === 0 && this.#sampledMessages.take()
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
