import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { layer } from "../../../src/adapters/mongodb/Journal.ts"
import { onMongoDb } from "../../servers/FerretDb.ts"
import { fakeMongoServer } from "../../support/FakeMongoServer.ts"
import { temporaryDatabase } from "../../support/Journals.ts"

const connectTimeoutMillis = 300

const problemOf = (uri: string, database?: string) =>
  Effect.gen(function* () {
    const journal = layer({ uri: Redacted.make(uri), database, connectTimeoutMillis })
    const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(journal))))
    expect(error._tag).toBe("MongoOpenError")
    expect(error.message).not.toMatch(/\n|secret|hunter2/)
    return error.message
  })

/** Takes connections and says nothing. */
const silentServer = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1")
    await once(server, "listening")
    return server
  }),
  (server) => Effect.sync(() => server.close())
).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

describe("the mongodb journal's start ends with one line that names MONGODB_URI and tells no secret, where", () => {
  it.live.each([
    "localhost:27017",
    "http://user:hunter2@localhost",
    "mongodb://",
    "mongodb://user:hunter2@",
    "mongodb://user:hunter2",
    "mongodb:/user:hunter2@host",
    "mongodb://us er:hun/hunter2@host:27017",
    "mongodb://user:pa?hunter2@host",
    "mongodb://user:hunter2@host:99999999",
    "mongodb://user:x@host/?hunter2=1",
    "secret"
  ])("%s is not a URI", (uri) =>
    Effect.map(problemOf(uri), (line) =>
      expect(line).toBe("MONGODB_URI: expected mongodb://[user:password@]host[:port][/database] or mongodb+srv://…")
    )
  )

  it.live("an option is wrong", () =>
    Effect.gen(function* () {
      expect(yield* problemOf("mongodb://localhost/?maxPollSize=3")).toMatch(
        /^MONGODB_URI: expected .* \(option maxpollsize is not supported\)$/
      )
    })
  )

  it.live("nobody listens, or the host does not exist", () =>
    Effect.gen(function* () {
      expect(yield* problemOf("mongodb://user:hunter2@127.0.0.1:1")).toBe(
        "MONGODB_URI: no server could be reached within 0.3 s (connect ECONNREFUSED 127.0.0.1:1)"
      )
      expect(yield* problemOf("mongodb://user:hunter2@nosuchhost.invalid")).toMatch(
        /^MONGODB_URI: no server could be reached within 0\.3 s \(.*\)$/
      )
    })
  )

  it.live("no name server knows the service", () =>
    Effect.gen(function* () {
      expect(yield* problemOf("mongodb+srv://user:hunter2@nosuch.example.invalid")).toMatch(
        /^MONGODB_URI: no server could be reached \(.*\)$|^MONGODB_URI: no answer from the server within 0\.6 s$/
      )
    })
  )

  it.live("the server says nothing", () =>
    Effect.gen(function* () {
      const port = yield* silentServer
      expect(yield* problemOf(`mongodb://127.0.0.1:${port}`)).toMatch(
        /^MONGODB_URI: no server could be reached within 0\.3 s \(.*\)$/
      )
    })
  )

  it.live("the server is too old", () =>
    Effect.gen(function* () {
      const port = yield* fakeMongoServer(7)
      expect(yield* problemOf(`mongodb://127.0.0.1:${port}`)).toMatch(
        /^MONGODB_URI: the server is too old: .*maximum wire version 7.*requires at least.*$/
      )
    })
  )

  it.live("the password is wrong", () =>
    Effect.gen(function* () {
      const port = yield* fakeMongoServer(21)
      expect(yield* problemOf(`mongodb://user:hunter2@127.0.0.1:${port}`)).toBe(
        "MONGODB_URI: the server refuses the user or the password (code 18)"
      )
    })
  )
})

await onMongoDb("a database of a newer release, and the database's name", (uri) => {
  it.live("a newer release wrote the database: it is named, and left as it is", () =>
    Effect.gen(function* () {
      const db = yield* temporaryDatabase(uri)
      const newer = { _id: "journal", schema: 2, epoch: "e" }
      yield* Effect.promise(async () => {
        await db.collection<typeof newer>("parley_meta").insertOne(newer)
        await db.collection("chat_history").insertOne({ from: "a", message: "b", date: new Date() })
      })
      expect(yield* problemOf(uri, db.databaseName)).toBe(
        `MONGODB_URI: the database ${db.databaseName} was written by a newer release (schema 2, this one knows 1)`
      )
      const left = yield* Effect.promise(() => db.collection("chat_history").findOne())
      expect(Object.keys(left ?? {})).toEqual(["_id", "from", "message", "date"])
    })
  )

  it.live("the database is the URI's", () =>
    Effect.gen(function* () {
      const db = yield* temporaryDatabase(uri)
      const named = new URL(uri)
      named.pathname = `/${db.databaseName}`
      yield* Effect.scoped(Layer.build(Layer.fresh(layer({ uri: Redacted.make(named.href) }))))
      expect(yield* Effect.promise(() => db.collection("parley_meta").countDocuments())).toBe(1)
    })
  )
})
