import { describe, expect, it } from "@effect/vitest"
import { makeClientAddress } from "../../../src/adapters/http/ClientAddress.ts"
import { isProxyEntry } from "../../../src/adapters/http/TrustedProxies.ts"

describe("the client's address", () => {
  const direct = makeClientAddress({ trustedProxies: [] })
  const proxied = makeClientAddress({ trustedProxies: ["10.0.0.0/8", "127.0.0.1", "2001:db8:ffff::/48"] })
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
