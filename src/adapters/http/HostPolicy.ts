export interface HostOptions {
  /** `APP_HOST`. */
  readonly appHost: string
  /** `ALLOWED_HOSTS`: names or addresses, each with or without a port. Ports do not count. */
  readonly allowedHosts: ReadonlyArray<string>
}

const loopbackNames = new Set(["localhost", "127.0.0.1", "::1"])

/** `localhost`, `127.0.0.1` and `::1` are one host. */
export const isLoopbackName = (hostname: string): boolean => loopbackNames.has(hostname)

/**
 * The host name of an authority (`name`, `name:port`, `[::1]:port`): lower case, without port and brackets.
 * `undefined` for whatever is no authority, user information included.
 */
export const hostnameOf = (authority: string): string | undefined => {
  if (authority === "" || /[\s/@?#\\]/.test(authority)) return undefined
  const url = URL.parse(`http://${authority}`)
  if (url === null || url.hostname === "") return undefined
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname
}

/** `localhost` alone can be written with 65,536 ports: past so many all are forgotten. */
const keptHosts = 100

/** A bare IPv6 address gets the brackets that an authority has. */
const bracketed = (host: string): string => (/^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(host) ? `[${host}]` : host)

/**
 * Whether a `Host` header names a host that we serve: a loopback name, `APP_HOST`, one of `ALLOWED_HOSTS`. Without this check a foreign page
 * whose name is made to resolve to our address (DNS rebinding) would be of our own origin.
 */
export const makeHostPolicy = (options: HostOptions): ((host: string | undefined) => boolean) => {
  const served = new Set(
    [options.appHost, ...options.allowedHosts]
      .map((host) => hostnameOf(bracketed(host.trim())))
      .filter((hostname) => hostname !== undefined)
  )
  /** Headers that were found good: everybody sends the same few. */
  const good = new Set<string>()
  return (host) => {
    if (host === undefined) return false
    if (good.has(host)) return true
    const hostname = hostnameOf(host)
    if (hostname === undefined || !(isLoopbackName(hostname) || served.has(hostname))) return false
    if (good.size >= keptHosts) good.clear()
    good.add(host)
    return true
  }
}
