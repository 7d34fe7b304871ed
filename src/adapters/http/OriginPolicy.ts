import { hostnameOf, isLoopbackName } from "./HostPolicy.ts"

export interface OriginOptions {
  /** `ALLOWED_ORIGINS`: `scheme://host[:port]` each. */
  readonly allowedOrigins: ReadonlyArray<string>
}

export type OriginVerdict =
  | { readonly accepted: true }
  /** `reason` is the log line: it names the variable that would let the origin in. */
  | { readonly accepted: false; readonly reason: string }

const accepted: OriginVerdict = { accepted: true }

/** An origin is a stranger's text: quoted and cut before it gets into a log. */
const quoted = (origin: string): string => JSON.stringify(origin.length > 200 ? `${origin.slice(0, 200)}…` : origin)

/** The canonical form of `scheme://host[:port]`; `undefined` for anything else (`null`, a path, user information). */
const canonical = (origin: string): URL | undefined => {
  if (/[\s@\\]/.test(origin)) return undefined
  const url = URL.parse(origin)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined
  return url.pathname === "/" && url.search === "" && url.hash === "" && !origin.endsWith("/") ? url : undefined
}

const hostnameOfUrl = (url: URL): string => hostnameOf(url.host) ?? url.hostname

const sameHost = (one: string, other: string): boolean =>
  one === other || (isLoopbackName(one) && isLoopbackName(other))

/**
 * Whether a browser's page may talk to us: `Origin` is of the host that `Host` names, on any port (the page is on one port, the sockets on the
 * other; loopback names are one host), or is listed in `ALLOWED_ORIGINS`. Everything else is refused, `null` included. No `Origin`
 * header: not a browser, accepted. Whether `Host` itself is one of ours is `HostPolicy`'s to say, first.
 */
export const makeOriginPolicy = (
  options: OriginOptions
): ((origin: string | undefined, host: string | undefined) => OriginVerdict) => {
  const allowed = new Set(
    options.allowedOrigins.map((origin) => canonical(origin.trim().replace(/\/$/, ""))?.origin).filter(Boolean)
  )
  return (origin, host) => {
    if (origin === undefined) return accepted
    const url = canonical(origin)
    const own = host === undefined ? undefined : hostnameOf(host)
    if (url !== undefined) {
      if (allowed.has(url.origin)) return accepted
      if (own !== undefined && sameHost(hostnameOfUrl(url), own)) return accepted
    }
    return { accepted: false, reason: `refused the origin ${quoted(origin)}: ALLOWED_ORIGINS does not name it` }
  }
}
