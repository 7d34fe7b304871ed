import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { RoomName, Seq } from "../../../src/domain/Room.ts"
import { ClientId } from "../../../src/domain/RoomEvent.ts"
import type { Entry } from "../../../src/domain/RoomEvent.ts"
import { expectProblem, member } from "./support/Http.ts"
import { somebody } from "./support/People.ts"
import { TestServer, testServer } from "./support/TestServer.ts"

const path = "/api/message/v1/history"

const posted = (seq: number, event: Partial<Entry["event"]> = {}): Entry => ({
  seq: Seq.make(seq),
  event: {
    type: "MessagePosted",
    v: 1,
    author: { kind: "account", name: "testuser" },
    payload: { message: `message ${seq}` },
    at: Date.UTC(2025, 0, 24, 9, 10, 0, 7),
    ...event
  }
})

const long = Array.from({ length: 250 }, (_, i) => posted(i + 1))
const positions = (json: unknown) => (Array.isArray(json) ? json.map((message) => member(message, "seq")) : json)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const history = (query: string, room?: ReadonlyArray<Entry>) =>
  Effect.gen(function* () {
    const { request, rooms } = yield* TestServer
    if (room !== undefined) rooms.set(RoomName.make("long"), room)
    const { headers } = yield* somebody
    return yield* request({ path: `${path}${query}`, headers })
  })

layer(testServer(), { excludeTestServices: true })("history over HTTP", (it) => {
  it.effect("a room that nobody has written in is an empty list", () =>
    Effect.gen(function* () {
      const reply = yield* history("")
      expect(reply.status).toBe(200)
      expect(reply.text).toBe("[]")
      expect(reply.headers["link"]).toBeUndefined()
      expect(reply.headers["x-parley-epoch"]).toBe("epoch-1")
    })
  )

  it.effect(
    "messages have the seed's fields, the date in UTC milliseconds, an id and a position; guests are marked",
    () =>
      Effect.gen(function* () {
        const { rooms } = yield* TestServer
        rooms.set(RoomName.make("lobby"), [
          posted(1),
          posted(2, { id: ClientId.make("mine-1"), payload: { type: "poll", options: [1, 2] } }),
          posted(3, { author: { kind: "guest", name: "bob" }, payload: { message: "<script>alert(1)</script>" } })
        ])
        const reply = yield* history("")
        expect(reply.json).toEqual([
          { from: "testuser", message: "message 1", date: "2025-01-24T09:10:00.007Z", id: "lobby-1", seq: 1 },
          {
            from: "testuser",
            message: `{"type":"poll","options":[1,2]}`,
            date: "2025-01-24T09:10:00.007Z",
            id: "mine-1",
            seq: 2
          },
          {
            from: "bob",
            message: "<script>alert(1)</script>",
            date: "2025-01-24T09:10:00.007Z",
            id: "lobby-3",
            seq: 3,
            guest: true
          }
        ])
        expect(reply.headers["content-type"]).toBe("application/json")
      })
  )

  it.effect("the newest hundred, oldest first, with the way to the page before", () =>
    Effect.gen(function* () {
      const reply = yield* history("?room=long", long)
      expect(positions(reply.json)).toEqual(range(151, 250))
      expect(reply.headers["link"]).toBe(`<${path}?room=long&limit=100&before=151>; rel="prev"`)
    })
  )

  it.effect("the links lead through the whole room, and end", () =>
    Effect.gen(function* () {
      let query: string | undefined = "?room=long&limit=100"
      const seen: Array<unknown> = []
      while (query !== undefined) {
        const reply: Effect.Success<ReturnType<typeof history>> = yield* history(query, long)
        seen.unshift(positions(reply.json))
        query = /^<[^?]+(\?[^>]+)>; rel="prev"$/.exec(String(reply.headers["link"]))?.[1]
      }
      expect(seen).toEqual([range(1, 50), range(51, 150), range(151, 250)])
    })
  )

  it.effect("after a position the page begins right behind it, and links to the next", () =>
    Effect.gen(function* () {
      const first = yield* history("?room=long&after=200&limit=40", long)
      expect(positions(first.json)).toEqual(range(201, 240))
      expect(first.headers["link"]).toBe(`<${path}?room=long&limit=40&after=240>; rel="next"`)
      const last = yield* history("?room=long&after=240&limit=40", long)
      expect(positions(last.json)).toEqual(range(241, 250))
      expect(last.headers["link"]).toBeUndefined()
    })
  )

  it.effect("between two positions it stops before the second", () =>
    Effect.gen(function* () {
      const reply = yield* history("?room=long&after=10&before=14", long)
      expect(positions(reply.json)).toEqual([11, 12, 13])
      expect(reply.headers["link"]).toBeUndefined()
    })
  )

  it.effect("a thousand is the most", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 1_200 }, (_, i) => posted(i + 1))
      expect(positions((yield* history("?room=long&limit=1000", many)).json)).toEqual(range(201, 1200))
      expectProblem(yield* history("?limit=1001"), 422, "invalid-fields")
    })
  )

  it.effect("every wrong parameter is named", () =>
    Effect.gen(function* () {
      const reply = yield* history("?limit=0&before=-1&after=x&room=a%20b")
      expectProblem(reply, 422, "invalid-fields")
      expect(member(reply.json, "errors")).toEqual([
        { pointer: "/room", detail: "must be 1 to 64 letters, digits or _ . : -, optionally after a $" },
        { pointer: "/limit", detail: "must be a whole number from 1 to 1000" },
        { pointer: "/before", detail: "must be a position: a whole number from 0 on" },
        { pointer: "/after", detail: "must be a whole number" }
      ])
    })
  )

  it.effect("numbers that are none, or not whole, are wrong", () =>
    Effect.gen(function* () {
      for (const value of ["", "1.5", "NaN", "Infinity", "1e400", "%F0%90", "9007199254740993"]) {
        const reply = yield* history(`?limit=${value}`)
        expectProblem(reply, 422, "invalid-fields")
        expect(JSON.stringify(member(reply.json, "errors"))).toMatch(
          /^(.{"pointer":"\/limit","detail":"must be a whole number[^"]*"})+.$/
        )
      }
    })
  )

  it.effect("a parameter that is given twice is wrong", () =>
    Effect.gen(function* () {
      const reply = yield* history("?limit=5&limit=6&room=a&room=b")
      expectProblem(reply, 422, "invalid-fields")
      expect(member(reply.json, "errors")).toEqual([
        { pointer: "/room", detail: "may be given only once" },
        { pointer: "/limit", detail: "may be given only once" }
      ])
    })
  )

  it.effect("a private room is 403, whether it exists or not", () =>
    Effect.gen(function* () {
      const { log, rooms } = yield* TestServer
      rooms.set(RoomName.make("$board"), [posted(1)])
      for (const room of ["$board", "$nowhere"]) {
        expectProblem(yield* history(`?room=${encodeURIComponent(room)}`), 403, "room-forbidden")
      }
      expect(log.filter(({ text }) => text.includes("board"))).toEqual([])
    })
  )

  it.effect("a journal that does not answer is 503 with Retry-After", () =>
    Effect.gen(function* () {
      const { fail } = yield* TestServer
      fail.history = true
      const reply = yield* Effect.ensuring(
        history(""),
        Effect.sync(() => {
          fail.history = false
        })
      )
      expectProblem(reply, 503, "unavailable")
      expect(reply.headers["retry-after"]).toBe("2")
      expect(reply.text).not.toContain("SQLITE")
    })
  )
})
