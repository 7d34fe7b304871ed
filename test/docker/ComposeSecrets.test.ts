import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { repository } from "../support/ComposeFile.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const files = ["app/db-password", "app/jwt-secret", "mysql/password", "mysql/root-password"]
const own = process.getuid?.() ?? 0
/** Only root gives files away; others keep them. */
const [mysqlUid, appUid] = own === 0 ? [999, 1000] : [own, own]

const run = (
  directory: string,
  env: Readonly<Record<string, string>> = {},
  args = [String(mysqlUid), String(appUid)]
) =>
  spawnSync(process.execPath, [join(repository, "tools/compose-secrets.ts"), directory, ...args], {
    env,
    encoding: "utf8"
  })

const secretsIn = (directory: string): Readonly<Record<string, string>> =>
  Object.fromEntries(files.map((file) => [file, readFileSync(join(directory, file), "utf8")]))

describe("the secrets of docker-compose.yaml", () => {
  it.effect("are made once, at random", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* temporaryDirectory, yield* temporaryDirectory]
      expect(run(one)).toMatchObject({ status: 0, stdout: "", stderr: "" })
      const made = secretsIn(one)
      expect(Buffer.byteLength(made["app/jwt-secret"] ?? "")).toBeGreaterThanOrEqual(32)
      expect(made["app/db-password"]).toMatch(/^[\w-]{32}$/)
      expect(made["mysql/password"]).toBe(made["app/db-password"])
      expect(new Set(Object.values(made)).size).toBe(3)
      run(one)
      expect(secretsIn(one)).toEqual(made)
      run(other)
      for (const file of files) expect(secretsIn(other)[file]).not.toBe(made[file])
    })
  )

  it.effect("each is its reader's alone", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      run(directory)
      for (const file of files) {
        const { mode, uid } = statSync(join(directory, file))
        expect([file, mode & 0o777, uid]).toEqual([file, 0o600, file.startsWith("app/") ? appUid : mysqlUid])
      }
      expect(statSync(join(directory, "kept")).mode & 0o777).toBe(0o700)
    })
  )

  it.effect("what the environment says wins, also later, and stays", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      run(directory)
      const made = secretsIn(directory)
      const given = { DB_PASSWORD: "given password", JWT_SECRET: "0123456789abcdef0123456789abcdef" }
      run(directory, given)
      const expected = {
        ...made,
        "app/db-password": given.DB_PASSWORD,
        "mysql/password": given.DB_PASSWORD,
        "app/jwt-secret": given.JWT_SECRET
      }
      expect(secretsIn(directory)).toEqual(expected)
      run(directory)
      expect(secretsIn(directory)).toEqual(expected)
    })
  )

  it.effect("a run that was cut off is made good by the next one", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      run(directory)
      const made = secretsIn(directory)
      rmSync(join(directory, "mysql/password"))
      writeFileSync(join(directory, "mysql/password.unfinished"), "ha", { mode: 0o400 })
      expect(run(directory).status).toBe(0)
      expect(secretsIn(directory)).toEqual(made)
      expect(readdirSync(join(directory, "mysql")).toSorted()).toEqual(["password", "root-password"])
      expect(statSync(join(directory, "mysql/password")).mode & 0o777).toBe(0o600)
    })
  )

  it.effect("what cannot work is named in one go and not shown, and nothing is made", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const ended = run(directory, {
        JWT_SECRET: "your_jwt_secret_key",
        DB_PASSWORD: "it's",
        MYSQL_ROOT_PASSWORD: "a\\b",
        DB_USER: "root"
      })
      expect(ended.status).toBe(1)
      expect(ended.stderr.trimEnd().split("\n")).toEqual([
        "secrets: JWT_SECRET: expected at least 32 bytes, got 19 bytes (not shown)",
        "secrets: DB_PASSWORD: expected printable ASCII without quotes and backslashes, got 4 bytes (not shown)",
        "secrets: MYSQL_ROOT_PASSWORD: expected printable ASCII without quotes and backslashes, got 3 bytes (not shown)",
        "secrets: DB_USER: expected a user other than root, whom MySQL's image does not make"
      ])
      expect(existsSync(join(directory, "kept"))).toBe(false)
    })
  )

  it.effect("without a reader's number it says how it is used", () =>
    Effect.gen(function* () {
      const ended = run(yield* temporaryDirectory, {}, ["999"])
      expect([ended.status, ended.stderr]).toEqual([2, expect.stringContaining("usage: ")])
    })
  )
})
