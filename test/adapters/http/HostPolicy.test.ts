import { describe, expect, it } from "@effect/vitest"
import { makeHostPolicy } from "../../../src/adapters/http/HostPolicy.ts"

describe("the Host policy", () => {
  const serves = makeHostPolicy({
    appHost: "chat.internal",
    allowedHosts: ["chat.example", "10.0.0.7:4000", "2001:db8::7"]
  })

  it("serves loopback names, APP_HOST and ALLOWED_HOSTS on any port", () => {
    for (const host of [
      "localhost",
      "LOCALHOST:4000",
      "127.0.0.1:1",
      "[::1]:8080",
      "chat.internal",
      "Chat.Example:443",
      "10.0.0.7",
      "10.0.0.7:9",
      "[2001:db8::7]"
    ]) {
      expect(serves(host), host).toBe(true)
    }
  })

  it("serves nothing that only looks alike", () => {
    for (const host of [
      undefined,
      "",
      "evil.example",
      "localhost.evil.example",
      "evil-localhost",
      "localhost@evil.example",
      "evil.example@localhost",
      "localhost/evil.example",
      "localhost?evil",
      " localhost",
      "evil.example#localhost",
      "evil.example/localhost",
      "evil.example\\localhost",
      "localhost evil.example",
      "sub.chat.example",
      "chat.example.",
      "[::2]",
      "10.0.0.8",
      "[::1",
      "localhost:99999"
    ]) {
      expect(serves(host), String(host)).toBe(false)
    }
  })
})
