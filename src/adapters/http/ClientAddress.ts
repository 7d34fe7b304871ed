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
  /** Of the peer and what it says, where that is believed: the connection at its far end is encrypted. */
  readonly secure: boolean
}

/** What a proxy may have added to a request; lists as they came. */
export interface Forwarding {
  readonly forwardedFor?: string | undefined
  readonly forwardedProto?: string | undefined
  /** RFC 7239. */
  readonly forwarded?: string | undefined
}

type Named = Pick<ClientAddress, "address" | "key">

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
const normalise = (text: string): Named | undefined => {
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

interface Hop {
  readonly from: string
  readonly proto: string | undefined
}

/** The elements of `Forwarded` (RFC 7239, section 4): a comma or a semicolon in quotes is none. */
const forwardedHops = (header: string): ReadonlyArray<Hop> =>
  (header.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).map((element) => {
    const pairs = (element.match(/(?:"(?:[^"\\]|\\.)*"|[^;"])+/g) ?? []).map((pair) => {
      const [name = "", ...value] = pair.split("=")
      const text = value.join("=").trim()
      return [name.trim().toLowerCase(), text.startsWith('"') ? text.slice(1, -1) : text] as const
    })
    const valueOf = (wanted: string) => pairs.find(([name]) => name === wanted)?.[1]
    return { from: valueOf("for") ?? "", proto: valueOf("proto") }
  })

const forwardedForHops = (header: string, proto: string | undefined): ReadonlyArray<Hop> =>
  header.split(",").map((from) => ({ from, proto }))

export interface ClientAddresses {
  readonly of: (remote: string | undefined, forwarding: Forwarding) => ClientAddress
  /** The peer sent forwarding headers, and nobody vouches for it. */
  readonly isUnknownProxy: (remote: string | undefined, forwarding: Forwarding) => boolean
}

const isForwarding = ({ forwarded, forwardedFor, forwardedProto }: Forwarding): boolean =>
  forwarded !== undefined || forwardedFor !== undefined || forwardedProto !== undefined

/**
 * Whose request this is. `X-Forwarded-For` and `Forwarded` are believed only as far as `TRUSTED_PROXIES` vouch for them: read from the right, the first address that
 * is no trusted proxy is the client; whatever stands left of it was written by anybody. From an untrusted peer the headers mean nothing.
 *
 * A proxy writes one of the two and passes the other on as the client sent it: where both are there and disagree, neither is believed, and the request counts as the proxy's.
 */
export const makeClientAddress = (options: ClientAddressOptions): ClientAddresses => {
  const isTrusted = makeTrustedProxies(options.trustedProxies)

  const follow = (peer: Named, all: ReadonlyArray<Hop>, secure: boolean): ClientAddress => {
    const hops = [...all]
    let client = peer
    let encrypted = secure
    while (isTrusted(client.address)) {
      const hop = hops.pop()
      const next: Named | undefined = hop === undefined ? undefined : normalise(withoutPort(hop.from))
      if (hop === undefined || next === undefined) break
      client = next
      if (hop.proto !== undefined) encrypted = hop.proto === "https"
    }
    return { ...client, secure: encrypted }
  }

  return {
    of: (remote, { forwarded, forwardedFor, forwardedProto }) => {
      const peer = normalise(remote ?? "")
      if (peer === undefined) return { address: "unknown", key: "unknown", secure: false }
      if (!isTrusted(peer.address)) return { ...peer, secure: false }
      const secure = forwardedProto === "https"
      const byList = follow(
        peer,
        forwardedFor === undefined ? [] : forwardedForHops(forwardedFor, forwardedProto),
        secure
      )
      if (forwarded === undefined) return byList
      const byElements = follow(peer, forwardedHops(forwarded), secure)
      return forwardedFor === undefined || byElements.address === byList.address ? byElements : { ...peer, secure }
    },
    isUnknownProxy: (remote, forwarding) => {
      if (!isForwarding(forwarding)) return false
      const peer = normalise(remote ?? "")
      return peer !== undefined && !isTrusted(peer.address)
    }
  }
}

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

const listed = (header: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof header === "string" || header === undefined ? header : header.join(", ")

/** The forwarding headers of a request. */
export const forwardingOf = (headers: Headers): Forwarding => ({
  forwarded: listed(headers["forwarded"]),
  forwardedFor: listed(headers["x-forwarded-for"]),
  forwardedProto: listed(headers["x-forwarded-proto"])
})
