import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { loadConfig, variables } from "../../src/Config.ts"
import { composeService as service, interpolated, repository } from "../support/ComposeFile.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

describe("the server's environment in docker-compose.yaml", () => {
  const { environment = {} } = service("app")

  /** As `docker compose` would have made it, the secrets in a directory of the test. */
  const environmentWith = (env: Readonly<Record<string, string>>) =>
    Effect.map(temporaryDirectory, (directory) => {
      const uid = String(process.getuid?.())
      execFileSync(process.execPath, [join(repository, "tools/compose-secrets.ts"), directory, uid, uid], { env })
      return Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [
          name,
          interpolated(value, env).replace(/^\/secrets\//, `${directory}/`)
        ])
      )
    })

  it("every name is a variable of the server", () => {
    const names = variables.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]))
    expect(Object.keys(environment).filter((name) => !names.includes(name))).toEqual([])
  })

  it("every variable of the server is set, can be set from outside, or has a reason not to be", () => {
    const left = variables
      .map(({ name }) => name)
      .filter((name) => !(name in environment) && !(`${name}_FILE` in environment))
    expect(left.toSorted()).toEqual(
      [
        // Where the volumes are.
        "DATA_DIR",
        "LOG_FILE",
        // MySQL is on a network of its own.
        "DB_TLS",
        "DB_TLS_CA",
        "TLS_CERT",
        "TLS_KEY",
        // Not served yet.
        "NATS_URL",
        // No secret stands in an environment: by hand, as a file.
        "JWT_SECRET_PREVIOUS",
        "API_KEY",
        "ELASTIC_APM_SECRET_TOKEN"
      ].toSorted()
    )
  })

  it.effect("with nothing given it is a whole configuration, of both databases", () =>
    Effect.gen(function* () {
      const config = yield* loadConfig(yield* environmentWith({}))
      expect(config).toMatchObject({ host: "0.0.0.0", apiPort: 4000, socketPort: 8080, warnings: [] })
      const { databases } = config
      expect(databases?.mysql).toMatchObject({ host: "mysql", port: 3306, user: "parley", database: "go_chat_app" })
      expect(databases && Redacted.value(databases.mysql.password)).toMatch(/^[\w-]{32}$/)
      expect(databases && Redacted.value(databases.mongodb.uri)).toBe("mongodb://mongo:27017/?replicaSet=rs0")
      expect(config.jwtSecret && Redacted.value(config.jwtSecret)).toMatch(/^[\w-]{64}$/)
    })
  )

  it.effect(
    "a .env as the original's README has it is heard: the secrets, the user and the database; not the hosts",
    () =>
      Effect.gen(function* () {
        const config = yield* loadConfig(
          yield* environmentWith({
            APP_HOST: "localhost",
            APP_PORT: "4001",
            DB_HOST: "127.0.0.1",
            DB_USER: "your_mysql_user",
            DB_PASSWORD: "your_mysql_password",
            DB_NAME: "chat",
            MONGODB_URI: "mongodb://localhost:27017",
            JWT_SECRET: "your_jwt_secret_key, and some more of it"
          })
        )
        expect(config).toMatchObject({ host: "0.0.0.0", apiPort: 4001 })
        const { databases } = config
        expect(databases?.mysql).toMatchObject({ host: "mysql", user: "your_mysql_user", database: "chat" })
        expect(databases && Redacted.value(databases.mysql.password)).toBe("your_mysql_password")
        expect(config.jwtSecret && Redacted.value(config.jwtSecret)).toBe("your_jwt_secret_key, and some more of it")
      })
  )

  it("MySQL makes the same user and database", () => {
    const mysql = service("mysql").environment ?? {}
    expect([mysql["MYSQL_USER"], mysql["MYSQL_DATABASE"]]).toEqual([environment["DB_USER"], environment["DB_NAME"]])
  })
})

describe("the step that makes the replica set", () => {
  const command = service("mongo-replica-set").command ?? []
  const script = command[command.indexOf("--eval") + 1] ?? ""

  /** Runs it in a shell that becomes primary after so many naps, once it has been told to. */
  const run = (shell: {
    readonly naps: number
    readonly refusal?: { readonly code: number; readonly message: string }
  }) => {
    const seen = { initiated: [] as Array<unknown>, printed: [] as Array<string>, naps: 0, code: undefined as unknown }
    const initiate = (config: unknown) => {
      if (shell.refusal) throw Object.assign(new Error(shell.refusal.message), { code: shell.refusal.code })
      seen.initiated.push(config)
    }
    runInNewContext(script, {
      db: { hello: () => ({ isWritablePrimary: seen.naps >= shell.naps }) },
      rs: { initiate },
      sleep: () => void (seen.naps += 1),
      print: (line: string) => void seen.printed.push(line),
      quit: (code: number) => void (seen.code = code)
    })
    return seen
  }

  it("makes a set of one whose name and host are those of the server's URI, and waits for its primary", () => {
    const seen = run({ naps: 1 })
    expect(JSON.parse(JSON.stringify(seen.initiated))).toEqual([
      { _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] }
    ])
    expect([seen.printed, seen.code]).toEqual([[], 0])
    expect(service("app").environment?.["MONGODB_URI"]).toBe("mongodb://mongo:27017/?replicaSet=rs0")
  })

  it("does nothing to a set that is there, and waits for its primary", () => {
    const seen = run({ naps: 5, refusal: { code: 23, message: "already initialized" } })
    expect(seen).toEqual({ initiated: [], printed: [], naps: 5, code: 0 })
    expect(run({ naps: 0 })).toEqual({ initiated: [], printed: [], naps: 0, code: 0 })
  })

  it("says why it fails, and fails, when there is no primary after a minute", () => {
    const seen = run({ naps: Infinity, refusal: { code: 93, message: "bad config" } })
    expect(seen.printed[0]).toBe("bad config")
    expect([seen.naps * 200, seen.code]).toEqual([60_000, 1])
  })
})
