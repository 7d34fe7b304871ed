import { mkdirSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { loadConfig } from "../src/Config.ts"
import { temporaryDirectory } from "./support/TemporaryDirectory.ts"

const secret = "0123456789abcdef0123456789abcdef"

const wrongLines = (env: Record<string, string>) => Effect.map(Effect.flip(loadConfig(env)), (error) => error.lines)

/** A directory with a file of this content; the file's path. */
const fileWith = (content: string) =>
  Effect.map(temporaryDirectory, (directory) => {
    const path = join(directory, "secret")
    writeFileSync(path, content)
    return path
  })

describe("a secret in a file", () => {
  it.effect("counts as if it had been set, without the line break at its end", () =>
    Effect.gen(function* () {
      for (const end of ["", "\n", "\r\n"]) {
        const config = yield* loadConfig({ JWT_SECRET_FILE: yield* fileWith(`${secret}${end}`) })
        expect(config.jwtSecret && Redacted.value(config.jwtSecret)).toBe(secret)
        expect(config.warnings).toEqual([])
      }
    })
  )

  it.effect("every secret can be in one", () =>
    Effect.gen(function* () {
      const { databases } = yield* loadConfig({
        DB_HOST: "mysql",
        DB_USER: "parley",
        DB_NAME: "go_chat_app",
        DB_PASSWORD_FILE: yield* fileWith("hunter2\n"),
        MONGODB_URI_FILE: yield* fileWith("mongodb://mongo\n"),
        JWT_SECRET_FILE: yield* fileWith(secret)
      })
      expect(databases && Redacted.value(databases.mysql.password)).toBe("hunter2")
      expect(databases && Redacted.value(databases.mongodb.uri)).toBe("mongodb://mongo")
    })
  )

  it.effect("what is no file of a secret is named by its variable, neither path nor content shown", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const path = (name: string) => join(directory, name)
      mkdirSync(path("directory"))
      writeFileSync(path("empty"), "\n")
      writeFileSync(path("large"), "")
      truncateSync(path("large"), 1_000_000)
      writeFileSync(path("short"), "hunter2")
      const lines = (name: string) => wrongLines({ JWT_SECRET_FILE: path(name) })
      const expected = "JWT_SECRET_FILE: expected a readable file of at most 65536 bytes, got"
      expect(yield* lines("missing")).toEqual([`${expected} one that cannot be read (ENOENT)`])
      expect(yield* lines("directory")).toEqual([`${expected} what is not a file`])
      expect(yield* lines("empty")).toEqual([`${expected} an empty file`])
      expect(yield* lines("large")).toEqual([`${expected} 1000000 bytes`])
      expect(yield* lines("short")).toEqual(["JWT_SECRET_FILE: expected at least 32 bytes, got 7 bytes (not shown)"])
    })
  )

  it.effect("a file that cannot be read is the only complaint: nothing is called missing for it", () =>
    Effect.map(
      wrongLines({
        DB_HOST: "mysql",
        DB_USER: "parley",
        DB_NAME: "go_chat_app",
        MONGODB_URI: "mongodb://mongo",
        JWT_SECRET_FILE: "/nowhere/at/all"
      }),
      (lines) => expect(lines.map((line) => line.split(":")[0])).toEqual(["JWT_SECRET_FILE"])
    )
  )

  it.effect("beside the secret itself it is refused: nobody could say which one counts", () =>
    Effect.gen(function* () {
      expect(yield* wrongLines({ JWT_SECRET: secret, JWT_SECRET_FILE: yield* fileWith(secret) })).toEqual([
        "JWT_SECRET, JWT_SECRET_FILE: both are set; set one of them"
      ])
    })
  )

  it.effect("an empty path counts as not set", () =>
    Effect.map(loadConfig({ JWT_SECRET_FILE: "" }), (config) => expect(config.jwtSecret).toBeUndefined())
  )

  it.effect("is only for secrets", () =>
    Effect.map(loadConfig({ GUESTS_FILE: "/nowhere" }), (config) => expect(config.guests).toBe("allow"))
  )

  it.effect("its variable's misspelling is warned of", () =>
    Effect.map(loadConfig({ JWT_SECRET_FIEL: "/nowhere" }), (config) =>
      expect(config.warnings.join()).toContain("was JWT_SECRET_FILE meant?")
    )
  )
})
