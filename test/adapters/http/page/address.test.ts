import { describe, expect, it } from "@effect/vitest"
import { pageOf, roomOf, socketOrigins } from "../../../../src/adapters/http/page/assets/connection/address.js"

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

const named = (path: string) => roomOf(new URL(path, "http://localhost"))

describe("the room in the address", () => {
  it("is the lobby where none is named, and where none can be it says what was asked for", () => {
    expect(["/", "/chat", "/chat/", "/chat?room="].map(named)).toEqual(
      ["lobby", "lobby", "lobby", "lobby"].map((room) => ({ room }))
    )
    expect(named("/chat?room=a%20b")).toEqual({ room: "lobby", wrong: "a b" })
    expect(named("/chat/a%20b")).toEqual({ room: "lobby", wrong: "a%20b" })
    expect(named(`/chat?room=${"x".repeat(65)}`)).toEqual({ room: "lobby", wrong: "x".repeat(65) })
  })

  it("comes back from the address that it makes, and from those of earlier releases", () => {
    for (const room of ["lobby", "team:a.b-c_1", "$private"]) expect(named(pageOf(room))).toEqual({ room })
    expect(named("/chat?room=kitchen")).toEqual({ room: "kitchen" })
  })
})
