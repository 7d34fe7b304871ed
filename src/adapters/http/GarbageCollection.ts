import { Effect } from "effect"
import type { Scope } from "effect"
import { constants, PerformanceObserver } from "node:perf_hooks"
import { Histogram } from "../../domain/Histogram.ts"

const kinds = ["minor", "major", "incremental", "weakcb"] as const
export type GcKind = (typeof kinds)[number]

const kindOf = (flag: unknown): GcKind =>
  flag === constants.NODE_PERFORMANCE_GC_MINOR
    ? "minor"
    : flag === constants.NODE_PERFORMANCE_GC_INCREMENTAL
      ? "incremental"
      : flag === constants.NODE_PERFORMANCE_GC_WEAKCB
        ? "weakcb"
        : "major"

/** Pauses of the garbage collector since the start, seconds, by kind. */
export const makeGarbageCollection: Effect.Effect<
  ReadonlyMap<GcKind, Histogram>,
  never,
  Scope.Scope
> = Effect.acquireRelease(
  Effect.sync(() => {
    const pauses = new Map(kinds.map((kind) => [kind, new Histogram([0.001, 0.01, 0.1, 1, 2, 5])]))
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // Not in the types of an entry at large: those of garbage collections have it.
        const detail: unknown = Reflect.get(entry, "detail")
        const flag: unknown = typeof detail === "object" && detail !== null ? Reflect.get(detail, "kind") : undefined
        pauses.get(kindOf(flag))?.observe(entry.duration / 1000)
      }
    })
    observer.observe({ entryTypes: ["gc"] })
    return { observer, pauses }
  }),
  ({ observer }) => Effect.sync(() => observer.disconnect())
).pipe(Effect.map(({ pauses }) => pauses))
