import { describe, expect, it } from "@effect/vitest"
import { pageOf, roomOf, socketOrigins } from "../../../../src/adapters/http/page/assets/address.js"

const ports = { apiPort: 4000, socketPort: 8080 }
const at = (href: string) => socketOrigins(new URL(href), ports)

describe("where the page finds its socket", () => {
  it("reached directly: the socket port of the same host, and its own port where that one is shut", () => {
    expect(at("http://chat.example:4000/")).toEqual(["ws://chat.example:8080", "ws://chat.example:4000"])
  })

  it("behind a proxy: its own origin", () => {
    expect(at("https://chat.example/")).toEqual(["wss://chat.example"])
    expect(at("http://chat.example/chat")).toEqual(["ws://chat.example"])
    expect(at("https://chat.example:4000/")).toEqual(["wss://chat.example:4000"])
  })

  it("at an address that no policy can name: its own origin", () => {
    expect(at("http://[::1]:4000/")).toEqual(["ws://[::1]:4000"])
  })
})

describe("the room in the address", () => {
  it("is the lobby where none, or none that can be, is named", () => {
    expect(["", "?room=", "?room=a%20b", `?room=${"x".repeat(65)}`].map(roomOf)).toEqual(Array(4).fill("lobby"))
  })

  it("comes back from the address that it makes", () => {
    for (const room of ["lobby", "team:a.b-c_1", "$private"]) {
      expect(roomOf(new URL(pageOf(room), "http://localhost").search)).toBe(room)
    }
  })
})
