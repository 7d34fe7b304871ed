import { describe, expect, it } from "@effect/vitest"
import { makeOriginPolicy } from "../../../src/adapters/http/OriginPolicy.ts"

describe("the Origin policy", () => {
  const verdict = makeOriginPolicy({
    allowedOrigins: ["https://friend.example", "http://other.example:3000/", "nonsense"]
  })
  const accepts = (origin: string | undefined, host = "localhost:8080") => verdict(origin, host).accepted

  it("accepts who sends no Origin", () => {
    expect(accepts(undefined)).toBe(true)
  })

  it("accepts the host's own name on any port, and loopback names as one", () => {
    for (const origin of [
      "http://localhost",
      "http://localhost:4000",
      "https://LOCALHOST:9",
      "http://127.0.0.1:3000",
      "http://[::1]:5173"
    ]) {
      expect(accepts(origin), origin).toBe(true)
      expect(accepts(origin, "[::1]:4000"), origin).toBe(true)
    }
    expect(accepts("https://chat.example", "chat.example:8080")).toBe(true)
  })

  it("accepts what ALLOWED_ORIGINS names, exactly", () => {
    expect(accepts("https://friend.example")).toBe(true)
    expect(accepts("https://FRIEND.example:443")).toBe(true)
    expect(accepts("http://other.example:3000")).toBe(true)
    expect(accepts("http://friend.example")).toBe(false)
    expect(accepts("https://friend.example:444")).toBe(false)
    expect(accepts("http://other.example")).toBe(false)
  })

  it("refuses null, foreign and look-alike origins, and names the variable", () => {
    for (const origin of [
      "null",
      "",
      "http://evil.example",
      "http://localhost.evil.com",
      "http://evil-localhost",
      "http://localhost@evil.com",
      "http://localhost:4000@evil.com",
      "http://evil.com/localhost",
      "http://evil.com#localhost",
      "http://evil.com\\@localhost",
      "http://127.0.0.1.evil.com",
      "http://evil@localhost",
      " http://localhost",
      "http://local\thost",
      "http://localhost/",
      "http://localhost, http://evil.com",
      "file://",
      "ws://localhost",
      "chrome-extension://localhost",
      "localhost"
    ]) {
      expect(verdict(origin, "localhost:8080"), origin).toEqual({
        accepted: false,
        reason: expect.stringContaining("ALLOWED_ORIGINS")
      })
    }
    expect(accepts("http://localhost:4000", "chat.example")).toBe(false)
    expect(accepts("http://chat.example", "localhost:4000")).toBe(false)
  })

  it("puts an origin into its log line on one line and cut", () => {
    const long = verdict(`http://evil\n${"x".repeat(10_000)}`, "localhost")
    expect(long).toMatchObject({ accepted: false })
    expect("reason" in long && long.reason.length).toBeLessThan(400)
    expect("reason" in long && long.reason).not.toContain("\n")
  })
})
