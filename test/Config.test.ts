import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { parseEnv } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { loadConfig, variables } from "../src/Config.ts"

const root = resolve(import.meta.dirname, "..")
const wrongLines = (env: Record<string, string>) => Effect.map(Effect.flip(loadConfig(env)), (error) => error.lines)

describe("loadConfig", () => {
  it.effect("an empty environment is a whole configuration", () =>
    Effect.gen(function* () {
      const config = yield* loadConfig({})
      expect(config).toMatchObject({
        host: "localhost",
        apiPort: 4000,
        socketPort: 8080,
        dataDir: "./data",
        rateLimitPerMinute: 50,
        messageRate: 5,
        messageBurst: 20,
        socketsPerUser: 10,
        socketsPerIp: 1000,
        loginsPerMinute: 5,
        guests: "allow",
        dashboard: "open",
        logFile: "./logs/chat_message.log",
        warnings: []
      })
      expect(Duration.toMinutes(config.accessTokenTtl)).toBe(15)
      expect(Duration.toHours(config.refreshTokenTtl)).toBe(24)
      expect(config.jwtSecret).toBeUndefined()
    })
  )

  it.effect("an empty value counts as not set", () =>
    Effect.map(loadConfig({ APP_PORT: "", JWT_SECRET: "", MONGODB_URI: "" }), (config) => {
      expect(config.apiPort).toBe(4000)
      expect(config.jwtSecret).toBeUndefined()
    })
  )

  it.effect("every wrong value is named in one go, with what was expected and what was found", () =>
    Effect.map(
      wrongLines({
        APP_PORT: "abc",
        APP_PORT_SOCKET: "65536",
        ACCESS_TOKEN_TTL: "soon",
        GUESTS: "maybe",
        TRUSTED_PROXIES: "10.0.0.0/8, proxy",
        ALLOWED_ORIGINS: "https://chat.example/path",
        MESSAGE_RATE: "-1"
      }),
      (lines) =>
        expect(lines).toEqual([
          'APP_PORT: expected a port number 0–65535, got "abc"',
          'APP_PORT_SOCKET: expected a port number 0–65535, got "65536"',
          'ACCESS_TOKEN_TTL: expected a duration between a second and a year such as "15 minutes", got "soon"',
          'MESSAGE_RATE: expected a whole number, 0 for no limit, got "-1"',
          'GUESTS: expected "allow" or "deny", got "maybe"',
          'ALLOWED_ORIGINS: expected origins such as https://chat.example, separated by commas, got "https://chat.example/path"',
          'TRUSTED_PROXIES: expected IP addresses or CIDR blocks, separated by commas, got "10.0.0.0/8, proxy"'
        ])
    )
  )

  it.effect("a signing secret of less than 32 bytes is refused and not shown", () =>
    Effect.map(wrongLines({ JWT_SECRET: "hunter2" }), (lines) =>
      expect(lines).toEqual(["JWT_SECRET: expected at least 32 bytes, got 7 bytes (not shown)"])
    )
  )

  it.effect("bytes count, not characters", () =>
    Effect.map(loadConfig({ JWT_SECRET: "é".repeat(16) }), (config) =>
      expect(config.jwtSecret && Redacted.value(config.jwtSecret)).toBe("é".repeat(16))
    )
  )

  it.effect("secrets do not show when the configuration is printed", () =>
    Effect.map(loadConfig({ JWT_SECRET: "s3cret-".repeat(8), API_KEY: "s3cret-key-".repeat(3) }), (config) =>
      expect(`${JSON.stringify(config)}${String(config.jwtSecret)}`).not.toContain("s3cret")
    )
  )

  it.effect("lists are split at commas and trimmed", () =>
    Effect.map(
      loadConfig({
        TRUSTED_PROXIES: "10.0.0.0/8, ::1,192.168.0.1 ",
        ALLOWED_ORIGINS: "https://a.example,http://b.example:81"
      }),
      (config) => {
        expect(config.trustedProxies).toEqual(["10.0.0.0/8", "::1", "192.168.0.1"])
        expect(config.allowedOrigins).toEqual(["https://a.example", "http://b.example:81"])
      }
    )
  )

  const databases = {
    DB_HOST: "db",
    DB_USER: "u",
    DB_PASSWORD: "s3cret",
    DB_NAME: "n",
    MONGODB_URI: "mongodb://u:s3cret@m",
    JWT_SECRET: "x".repeat(32)
  }

  it.effect("half a configuration of databases names what is missing", () =>
    Effect.gen(function* () {
      expect(yield* wrongLines({ DB_HOST: "127.0.0.1", JWT_SECRET: databases.JWT_SECRET })).toEqual([
        "DB_USER, DB_NAME, MONGODB_URI: missing, while DB_HOST is set; set all of DB_HOST, DB_USER, DB_NAME, MONGODB_URI to keep accounts in MySQL and messages in MongoDB, or none of them to keep both in DATA_DIR"
      ])
      const [line, ...others] = yield* wrongLines({ ...databases, DB_NAME: "" })
      expect(line).toContain("DB_NAME: missing, while DB_HOST, DB_USER, MONGODB_URI, DB_PASSWORD are set")
      expect(line).not.toContain("s3cret")
      expect(others).toEqual([])
    })
  )

  it.effect("with databases the signing secret is asked for: two processes must have the same", () =>
    Effect.map(wrongLines({ ...databases, JWT_SECRET: "" }), (lines) =>
      expect(lines).toEqual([expect.stringMatching(/^JWT_SECRET: missing/)])
    )
  )

  it.effect("a whole configuration of databases is MySQL and MongoDB; none is the embedded one", () =>
    Effect.gen(function* () {
      expect((yield* loadConfig({})).databases).toBeUndefined()
      const { databases: both } = yield* loadConfig({ ...databases, DB_TLS: "on" })
      expect(both?.mysql).toMatchObject({
        host: "db",
        port: 3306,
        user: "u",
        database: "n",
        tls: { caFile: undefined }
      })
      expect(JSON.stringify(both)).not.toContain("s3cret")
    })
  )

  it.effect("NATS is not served yet, and says so", () =>
    Effect.map(wrongLines({ NATS_URL: "nats://n" }), (lines) =>
      expect(lines).toEqual(["NATS_URL: NATS is not served yet; unset it"])
    )
  )

  it.effect("the monitor asks for a token as soon as other machines can reach it", () =>
    Effect.gen(function* () {
      expect((yield* loadConfig({ APP_HOST: "0.0.0.0" })).dashboard).toBe("token")
      expect((yield* loadConfig({ APP_HOST: "127.0.0.1" })).dashboard).toBe("open")
      expect((yield* loadConfig({ APP_HOST: "0.0.0.0", DASHBOARD: "open" })).dashboard).toBe("open")
    })
  )

  it.effect("an access token that outlives its refresh token is refused", () =>
    Effect.map(wrongLines({ ACCESS_TOKEN_TTL: "2 days" }), (lines) =>
      expect(lines).toEqual(["ACCESS_TOKEN_TTL: expected at most REFRESH_TOKEN_TTL"])
    )
  )

  it.effect("a likely misspelling is warned of, other programs' variables are not", () =>
    Effect.map(loadConfig({ APP_PROT: "4000", PATH: "/bin", HOME: "/", APPDATA: "x", DB_BACKUP_HOST: "y" }), (config) =>
      expect(config.warnings).toEqual(["APP_PROT is not a variable of this server and is ignored: was APP_PORT meant?"])
    )
  )

  it.effect("what has no effect is warned of", () =>
    Effect.map(loadConfig({ SERVER_API_COMPAT: "true" }), (config) =>
      expect(config.warnings).toEqual(["SERVER_API_COMPAT is set, but there is no server API without API_KEY"])
    )
  )

  it.effect("a key of the server API that could be guessed is refused, and not shown", () =>
    Effect.map(wrongLines({ API_KEY: "x".repeat(31) }), (lines) =>
      expect(lines).toEqual(["API_KEY: expected at least 32 bytes, got 31 bytes (not shown)"])
    )
  )
})

describe("the documentation of the variables", () => {
  it(".env.example names every variable with its default, and no other", () => {
    const text = readFileSync(resolve(root, ".env.example"), "utf8")
    const written = parseEnv(text.replace(/^# ?(?=[A-Z_]+=)/gm, ""))
    expect(written).toEqual(Object.fromEntries(variables.map((known) => [known.name, known.fallback ?? ""])))
  })

  it.effect(".env.example is a valid configuration as it stands", () =>
    Effect.map(
      loadConfig(parseEnv(readFileSync(resolve(root, ".env.example"), "utf8")) as Record<string, string>),
      (config) => expect(config.apiPort).toBe(4000)
    )
  )

  it("the README's table has one row a variable, as it is declared", () => {
    const rows = readFileSync(resolve(root, "README.md"), "utf8").match(/^\| `[A-Z_]+` \|.*$/gm) ?? []
    expect(rows).toEqual(
      variables.map(
        (known) => `| \`${known.name}\` | ${known.fallback ? `\`${known.fallback}\`` : ""} | ${known.about} |`
      )
    )
  })
})
