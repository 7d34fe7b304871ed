import { describe, expect, it } from "@effect/vitest"
import { makeClientAddress } from "../../../src/adapters/http/ClientAddress.ts"
import { isProxyEntry } from "../../../src/adapters/http/TrustedProxies.ts"

/** By `X-Forwarded-For`, and by `Forwarded` where that is given. */
const of = (trustedProxies: ReadonlyArray<string>) => {
  const addresses = makeClientAddress({ trustedProxies })
  return (remote: string | undefined, forwardedFor: string | undefined, forwarded?: string) => {
    const { address, key } = addresses.of(remote, { forwardedFor, forwarded })
    return { address, key }
  }
}

describe("the client's address", () => {
  const direct = of([])
  const proxied = of(["10.0.0.0/8", "127.0.0.1", "2001:db8:ffff::/48"])
  const key = (text: string) => direct(text, undefined).key

  it("is the peer's, whatever X-Forwarded-For says, while no proxy is trusted", () => {
    expect(direct("192.0.2.1", "203.0.113.9")).toEqual({ address: "192.0.2.1", key: "192.0.2.1" })
    expect(proxied("192.0.2.1", "203.0.113.9").address).toBe("192.0.2.1")
  })

  it("is the rightmost that no trusted proxy vouches for: what stands left of it was sent by anybody", () => {
    expect(proxied("10.0.0.1", "203.0.113.9").address).toBe("203.0.113.9")
    expect(proxied("10.0.0.1", "1.1.1.1, 203.0.113.9").address).toBe("203.0.113.9")
    expect(proxied("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.2.3.4").address).toBe("203.0.113.9")
    expect(proxied("::ffff:10.0.0.1", "203.0.113.9").address).toBe("203.0.113.9")
    expect(proxied("2001:db8:ffff::1", "[2001:db8::5]:4711").address).toBe("2001:db8::5")
    expect(proxied("10.0.0.1", "203.0.113.9:5555").address).toBe("203.0.113.9")
  })

  it("is the proxy's where the header names nobody", () => {
    expect(proxied("10.0.0.1", undefined).address).toBe("10.0.0.1")
    expect(proxied("10.0.0.1", "").address).toBe("10.0.0.1")
    expect(proxied("10.0.0.1", "203.0.113.9, unknown").address).toBe("10.0.0.1")
    expect(proxied("10.0.0.1", "10.0.0.2, 10.0.0.3").address).toBe("10.0.0.2")
  })

  it("is what Forwarded says where the proxy writes that, by the same rule", () => {
    const byForwarded = (header: string) => proxied("10.0.0.1", undefined, header).address
    expect(byForwarded("for=203.0.113.9;proto=https;by=10.0.0.1")).toBe("203.0.113.9")
    expect(byForwarded('For="[2001:db8::5]:4711"')).toBe("2001:db8::5")
    expect(byForwarded("for=1.1.1.1, for=203.0.113.9, for=10.2.3.4;host=a")).toBe("203.0.113.9")
    expect(byForwarded('for=1.1.1.1;host="a,for=9.9.9.9", for="203.0.113.9:80"')).toBe("203.0.113.9")
    for (const header of ["for=unknown", "for=_hidden", "proto=https", "", '"', "for=", ";;,=,"]) {
      expect(byForwarded(header), header).toBe("10.0.0.1")
    }
    expect(direct("192.0.2.1", undefined, "for=203.0.113.9").address).toBe("192.0.2.1")
  })

  it("is the proxy's where the two headers disagree: one of them was the client's own", () => {
    expect(proxied("10.0.0.1", "203.0.113.9", "for=203.0.113.9").address).toBe("203.0.113.9")
    expect(proxied("10.0.0.1", "203.0.113.9", "for=1.1.1.1").address).toBe("10.0.0.1")
    expect(proxied("10.0.0.1", "1.1.1.1", "for=203.0.113.9").address).toBe("10.0.0.1")
  })

  it("came by TLS where a trusted proxy says so, by either header", () => {
    const { of: whose } = makeClientAddress({ trustedProxies: ["10.0.0.0/8"] })
    expect(whose("10.0.0.1", { forwardedFor: "203.0.113.9", forwardedProto: "https" }).secure).toBe(true)
    expect(whose("10.0.0.1", { forwarded: "for=203.0.113.9;proto=https" }).secure).toBe(true)
    expect(whose("10.0.0.1", { forwarded: "for=203.0.113.9;proto=http" }).secure).toBe(false)
    expect(whose("10.0.0.1", { forwardedProto: "https" }).secure).toBe(true)
    expect(whose("192.0.2.1", { forwardedFor: "203.0.113.9", forwardedProto: "https" }).secure).toBe(false)
  })

  it("knows a proxy that nobody named by what it sends", () => {
    const { isUnknownProxy } = makeClientAddress({ trustedProxies: ["10.0.0.0/8"] })
    expect(isUnknownProxy("192.0.2.1", { forwardedFor: "203.0.113.9" })).toBe(true)
    expect(isUnknownProxy("192.0.2.1", { forwarded: "for=203.0.113.9" })).toBe(true)
    expect(isUnknownProxy("192.0.2.1", {})).toBe(false)
    expect(isUnknownProxy("10.0.0.1", { forwardedFor: "203.0.113.9" })).toBe(false)
  })

  it("is one for an IPv4 address however it came", () => {
    for (const text of ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
      expect(direct(text, undefined), text).toEqual({ address: "192.0.2.1", key: "192.0.2.1" })
    }
  })

  it("counts IPv6 by its /64", () => {
    expect(key("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64")
    expect(key("2001:db8:1:2::1")).toBe("2001:db8:1:2::/64")
    expect(key("2001:DB8:1:2:ffff::")).toBe("2001:db8:1:2::/64")
    expect(key("2001:db8:1:3::1")).not.toBe(key("2001:db8:1:2::1"))
    expect(key("::1")).toBe("0:0:0:0::/64")
    expect(key("fe80::1%eth0")).toBe("fe80:0:0:0::/64")
  })

  it("is unknown when the peer has gone", () => {
    expect(direct(undefined, "203.0.113.9").address).toBe("unknown")
  })

  it("takes addresses and CIDR blocks as proxies, and nothing else", () => {
    for (const entry of ["10.0.0.1", " 10.0.0.0/8 ", "::1", "2001:db8::/32", "0.0.0.0/0"])
      expect(isProxyEntry(entry), entry).toBe(true)
    for (const entry of [
      "",
      "proxy.example",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "::/129",
      "10.0.0",
      "10.0.0.0/-1"
    ]) {
      expect(isProxyEntry(entry), entry).toBe(false)
    }
  })
})
