import { Context, Layer } from "effect"
import { Histogram, secondsBuckets } from "../../domain/Histogram.ts"

/** The requests of one method, route and status. */
export interface Series {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly seconds: Histogram
}

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** Routes × methods × statuses are a few hundred; past it a request counts as method `other`, route `other`, whatever it was. */
const maxSeries = 500

/**
 * How long requests took. Labels come from sets that are bounded by the code (routes as they were declared, known methods, our own statuses), never
 * from what a client wrote.
 */
export class RequestDurations extends Context.Service<
  RequestDurations,
  {
    /** `route` is a declared pattern; `undefined`: nothing has that path. */
    readonly observe: (method: string, route: string | undefined, status: number, seconds: number) => void
    readonly all: () => Iterable<Series>
  }
>()("parley/adapters/http/RequestDurations") {
  static readonly layer = Layer.sync(RequestDurations, () => {
    const series = new Map<string, Series>()
    const find = (method: string, route: string, status: number): Series => {
      const key = `${method} ${route} ${status}`
      const known = series.get(key)
      if (known !== undefined) return known
      if (series.size >= maxSeries && method !== "other") return find("other", "other", status)
      const made = { method, route, status, seconds: new Histogram(secondsBuckets) }
      series.set(key, made)
      return made
    }
    return {
      observe: (method, route, status, seconds) =>
        find(methods.has(method) ? method : "other", route ?? "unmatched", status).seconds.observe(seconds),
      all: () => series.values()
    }
  })
}
