import { isIP } from "node:net"
import { makeTrustedProxies } from "./TrustedProxies.ts"

export interface ClientAddressOptions {
  /** `TRUSTED_PROXIES`: addresses or CIDR blocks. */
  readonly trustedProxies: ReadonlyArray<string>
}

export interface ClientAddress {
  /** Canonical: an IPv4 address that came as IPv6 (`::ffff:1.2.3.4`) is IPv4. `unknown` where the peer has gone. */
  readonly address: string
  /** What limits count by: the IPv4 address, of an IPv6 address its /64 (one household has all of it). */
  readonly key: string
}

/** The eight groups of an IPv6 address in canonical form. */
const groupsOf = (canonical: string): ReadonlyArray<number> => {
  const [head = "", tail] = canonical.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0")
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16))
}

const isMappedIPv4 = (groups: ReadonlyArray<number>): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff

/** Canonical text of an address, with or without a zone; `undefined` for anything else. */
const normalise = (text: string): ClientAddress | undefined => {
  const bare = text.split("%", 1)[0] ?? ""
  const version = isIP(bare)
  if (version === 0) return undefined
  if (version === 4) return { address: bare, key: bare }
  const canonical = URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1)
  if (canonical === undefined) return undefined
  const groups = groupsOf(canonical)
  const [, , , , , , high = 0, low = 0] = groups
  if (isMappedIPv4(groups)) {
    const address = [high >> 8, high & 255, low >> 8, low & 255].join(".")
    return { address, key: address }
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return { address: canonical, key: `${network.join(":")}::/64` }
}

/** An element of `X-Forwarded-For`: some proxies add the port. */
const withoutPort = (element: string): string => {
  const text = element.trim()
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1]
  return bracketed ?? (/^[\d.]+:\d+$/.test(text) ? (text.split(":")[0] ?? text) : text)
}

/**
 * Whose request this is. `X-Forwarded-For` is believed only as far as `TRUSTED_PROXIES` vouch for it: read from the right, the first address that
 * is no trusted proxy is the client; whatever stands left of it was written by anybody. From an untrusted peer the header means nothing.
 */
export const makeClientAddress = (
  options: ClientAddressOptions
): ((remote: string | undefined, forwardedFor: string | undefined) => ClientAddress) => {
  const isTrusted = makeTrustedProxies(options.trustedProxies)
  return (remote, forwardedFor) => {
    let client = normalise(remote ?? "")
    if (client === undefined) return { address: "unknown", key: "unknown" }
    const hops = forwardedFor === undefined ? [] : forwardedFor.split(",")
    while (isTrusted(client.address)) {
      const hop = hops.pop()
      const next: ClientAddress | undefined = hop === undefined ? undefined : normalise(withoutPort(hop))
      if (next === undefined) break
      client = next
    }
    return client
  }
}
