import { Context, Tracer } from "effect"

/** The caller's span, out of `traceparent` (W3C Trace Context, level 1). */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

const format = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/

/** `undefined` for what is none: the trace begins here then, as the specification wants it. */
export const traceParentOf = (header: string | undefined): TraceParent | undefined => {
  const [, traceId, spanId, flags] = format.exec(header ?? "") ?? []
  return traceId === undefined || spanId === undefined || flags === undefined
    ? undefined
    : { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** What a span that goes on with it has as its parent. */
export const parentOf = (caller: TraceParent): Tracer.AnySpan =>
  Tracer.externalSpan({ ...caller, annotations: Context.empty() })

export const callersTrace = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : traceParentOf(header)?.traceId
