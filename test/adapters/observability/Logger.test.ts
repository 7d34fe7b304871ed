import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Layer, Redacted } from "effect"
import { CurrentCrowdLog } from "../../../src/adapters/observability/CrowdLog.ts"
import * as Logger from "../../../src/adapters/observability/Logger.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "parley-log-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const file = (): string => join(directory, "logs", "chat_message.log")
const rows = (path = file()): ReadonlyArray<Record<string, unknown>> =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Runs the program with the log open, and closes it. */
const logged = (program: Effect.Effect<void>, level: Logger.LoggerOptions["level"] = "info") =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const terminal = {
      write: (line: string) => void lines.push(line),
      gather: (line: string) => void lines.push(line),
      colours: false
    }
    const layer = Logger.layer({ file: file(), level, serviceName: "go-chat-app", version: "0.0.0", terminal })
    yield* Effect.scoped(Effect.provide(program, layer))
    return { lines, rows: rows() }
  })

describe("the log", () => {
  it.effect("has a JSON object a line in the file and a readable line on the terminal", () =>
    Effect.gen(function* () {
      const seen = yield* logged(
        Effect.logInfo("listening", { port: 4000 }).pipe(Effect.annotateLogs({ requestId: "r-1", room: "lobby" }))
      )
      expect(seen.rows).toHaveLength(1)
      expect(seen.rows[0]).toMatchObject({
        "log.level": "info",
        message: "listening",
        "http.request.id": "r-1",
        "service.name": "go-chat-app",
        labels: { port: 4000, room: "lobby" }
      })
      expect(seen.rows[0]).toHaveProperty("@timestamp")
      expect(seen.lines.join("")).toMatch(/^\d\d:\d\d:\d\d INFO {2}listening requestId=r-1 room=lobby port=4000\n$/)
    })
  )

  it.effect("has the same lines of a crowd as of anybody, to the last character", () =>
    Effect.gen(function* () {
      const every = {
        requestId: "r-1",
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
        method: "GET",
        path: '/a"b\\c\n\u2028\u001b[2J',
        status: 200,
        millis: 1.5,
        room: "den",
        connection: 7
      }
      const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
      const all = [
        every,
        { path: `/${token}`, reason: "x".repeat(20_000), username: "Bearer of\ttokens" },
        { connection: 1, address: "::1", userId: 3 },
        {}
      ]
      const seen = yield* logged(
        Effect.gen(function* () {
          const crowd = yield* CurrentCrowdLog
          for (const fields of all) {
            yield* Effect.logInfo("request", fields)
            crowd?.("info", "request", fields)
          }
          crowd?.("warn", "loud", { room: undefined })
          crowd?.("debug", "quiet", {})
        })
      )
      const untimed = readFileSync(file(), "utf8")
        .replaceAll(/"@timestamp":"[^"]*"/g, "")
        .trimEnd()
        .split("\n")
      expect(untimed).toHaveLength(9)
      for (const [n] of all.entries()) {
        expect(untimed[2 * n + 1]).toBe(untimed[2 * n])
        expect(seen.lines[2 * n + 1]?.slice(8)).toBe(seen.lines[2 * n]?.slice(8))
      }
      expect(seen.rows.at(-1)).toMatchObject({ message: "loud", "log.level": "warn" })
      expect(JSON.stringify(seen)).not.toContain(token)
    })
  )

  it.effect("holds every line that was logged before it closed", () =>
    Effect.gen(function* () {
      const seen = yield* logged(
        Effect.forEach(
          Array.from({ length: 5000 }, (_, i) => i),
          (i) => Effect.logInfo(`line ${i}`),
          { discard: true }
        )
      )
      expect(seen.rows.map((row) => row["message"])).toEqual(Array.from({ length: 5000 }, (_, i) => `line ${i}`))
    })
  )

  it.effect("shows no password, token, authorization or cookie, however deep it stands", () =>
    Effect.gen(function* () {
      const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
      const seen = yield* logged(
        Effect.logInfo(`refused ${token}`, {
          password: "s3cret",
          body: { refresh_token: "s3cret", list: [{ Authorization: "Bearer s3cret", "set-cookie": "s3cret" }] },
          header: "Bearer s3cret",
          wrapped: Redacted.make("s3cret")
        }).pipe(Effect.annotateLogs("accessToken", "s3cret"))
      )
      const everything = `${JSON.stringify(seen.rows)}${seen.lines.join("")}`
      expect(everything).not.toContain("s3cret")
      expect(everything).not.toContain(token)
      expect(everything).toContain("[redacted]")
    })
  )

  it.effect("keeps one line one line, whatever a name holds", () =>
    Effect.gen(function* () {
      const name = "bob\n00:00:00 ERROR forged\r\u2028\u001b[2J\u202e"
      const seen = yield* logged(Effect.logInfo(`hello ${name}`).pipe(Effect.annotateLogs({ name, [name]: "key" })))
      expect(seen.rows).toHaveLength(1)
      expect(seen.rows[0]).toMatchObject({ message: `hello ${name}`, labels: { name } })
      expect(seen.lines).toHaveLength(1)
      expect(seen.lines[0]).toMatch(/^[ -~]*\n$/)
    })
  )

  it.effect("tells an error's type and message, and its stack only in the file", () =>
    Effect.gen(function* () {
      const seen = yield* logged(Effect.logError("no luck", Cause.die(new TypeError("not a number"))))
      expect(seen.rows[0]).toMatchObject({
        "log.level": "error",
        error: { type: "TypeError", message: "not a number" }
      })
      expect(JSON.stringify(seen.rows[0])).toContain("Logger.test.ts")
      expect(seen.lines.join("")).toMatch(/^\S+ ERROR no luck: not a number\n$/)
    })
  )

  it.effect("leaves out what is below its level", () =>
    Effect.gen(function* () {
      const seen = yield* logged(Effect.andThen(Effect.logInfo("quiet"), Effect.logWarning("loud")), "warn")
      expect(seen.rows.map((row) => row["message"])).toEqual(["loud"])
      expect(seen.lines).toHaveLength(1)
    })
  )

  it.effect("writes to a new file after SIGHUP, so that the old one may be moved away", () =>
    Effect.gen(function* () {
      const options = {
        file: file(),
        level: "info",
        serviceName: "go-chat-app",
        version: "0",
        terminal: { write: () => {}, gather: () => {}, colours: false }
      } as const
      const moved = join(directory, "moved.log")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* Layer.build(Logger.layer(options))
          yield* Effect.provideContext(Effect.logInfo("before"), context)
          renameSync(file(), moved)
          yield* Effect.sync(() => process.emit("SIGHUP", "SIGHUP"))
          while (!existsSync(file()) || rows().length === 0) {
            yield* Effect.provideContext(Effect.logInfo("after"), context)
            yield* Effect.promise(() => setImmediate())
          }
        })
      )
      expect(rows(moved)[0]).toHaveProperty("message", "before")
      expect(rows()[0]).toHaveProperty("message", "after")
    })
  )

  it.effect("that cannot be written ends in one line that names LOG_FILE", () =>
    Effect.gen(function* () {
      writeFileSync(join(directory, "logs"), "a file where a directory should be")
      const error = yield* Effect.flip(
        Effect.scoped(
          Layer.build(Logger.layer({ file: file(), level: "info", serviceName: "go-chat-app", version: "0" }))
        )
      )
      expect(error._tag).toBe("LogFileUnusable")
      expect(error.message).toMatch(/^LOG_FILE: cannot write .*chat_message\.log \(.*\)$/)
    })
  )
})
