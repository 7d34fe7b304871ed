import { Config, ConfigProvider, Duration, Effect, Redacted, Schema } from "effect"
import {
  Between,
  Count,
  Host,
  Hosts,
  Networks,
  Origins,
  Port,
  Secret,
  ServiceName,
  SigningSecret,
  Text,
  Ttl,
  UrlOf
} from "./ConfigSchema.ts"
import { VariableList } from "./ConfigVariable.ts"
import type { Variable } from "./ConfigVariable.ts"
import { misspellings } from "./Misspelling.ts"
import { readSecretFiles, secretFileVariable } from "./SecretFiles.ts"
import { StartError } from "./StartError.ts"

const list = new VariableList()

const settings = Config.all({
  host: list.required("APP_HOST", "localhost", Host, {
    expected: "a host name or an IP address",
    about: "Where both ports listen; `0.0.0.0` is every interface"
  }),
  apiPort: list.required("APP_PORT", "4000", Port, {
    expected: "a port number 0–65535",
    about: "The page and the HTTP API; 0 picks a free port"
  }),
  socketPort: list.required("APP_PORT_SOCKET", "8080", Port, {
    expected: "a port number 0–65535",
    about: "WebSockets (the API's port takes them too); may be the same port"
  }),
  dataDir: list.required("DATA_DIR", "./data", Text, {
    expected: "a directory",
    about: "Where the embedded database lives"
  }),
  jwtSecret: list.optional("JWT_SECRET", SigningSecret, {
    expected: "at least 32 bytes",
    about: "Signs the tokens; made on first start, in `DATA_DIR/jwt-secret`, where not set",
    secret: true
  }),
  jwtSecretPrevious: list.optional("JWT_SECRET_PREVIOUS", SigningSecret, {
    expected: "at least 32 bytes",
    about: "Signed the tokens before `JWT_SECRET` was changed: they are good until they expire",
    secret: true
  }),
  subscriptionSecret: list.optional("SUBSCRIPTION_SECRET", SigningSecret, {
    expected: "at least 32 bytes",
    about: "Signs the subscription tokens that open private rooms (`$…`); without it they stay closed",
    secret: true
  }),
  accessTokenTtl: list.required("ACCESS_TOKEN_TTL", "15 minutes", Ttl, {
    expected: 'a duration between a second and a year such as "15 minutes"',
    about: "How long an access token is good"
  }),
  refreshTokenTtl: list.required("REFRESH_TOKEN_TTL", "24 hours", Ttl, {
    expected: 'a duration between a second and a year such as "24 hours"',
    about: "How long a refresh token is good"
  }),
  rateLimitPerMinute: list.required("RATE_LIMIT_PER_MINUTE", "50", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Requests of one address to `/api/*`; 0 = no limit"
  }),
  loginsPerMinute: list.required("LOGINS_PER_MINUTE", "5", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Logins of one account from one address; 0 = no limit"
  }),
  messageRate: list.required("MESSAGE_RATE", "5", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Messages a second of one user, over all sockets; 0 = no limit"
  }),
  messageBurst: list.required("MESSAGE_BURST", "20", Count, {
    expected: "a whole number",
    about: "So many at once before `MESSAGE_RATE` counts"
  }),
  socketsPerUser: list.required("SOCKETS_PER_USER", "10", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Sockets of one account; 0 = no limit"
  }),
  socketsPerIp: list.required("SOCKETS_PER_IP", "1000", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Sockets of one address (an office shares one); 0 = no limit"
  }),
  channelsPerSocket: list.required("CHANNELS_PER_SOCKET", "128", Between(1, 100_000), {
    expected: "a whole number from 1 to 100000",
    about: "Channels that one socket of `/connection/websocket` may be subscribed to"
  }),
  channelNameLength: list.required("CHANNEL_NAME_LENGTH", "65", Between(1, 65), {
    expected: "a whole number from 1 to 65",
    about: "Characters of a channel's name there, a `$` included"
  }),
  frameBytes: list.required("FRAME_BYTES", "65536", Between(1_024, 65_536), {
    expected: "a whole number from 1024 to 65536",
    about: "Bytes of a frame that a client sends there"
  }),
  commandsPerFrame: list.required("COMMANDS_PER_FRAME", "1024", Between(1, 100_000), {
    expected: "a whole number from 1 to 100000",
    about: "Commands in one frame there"
  }),
  guests: list.required("GUESTS", "allow", Schema.Literals(["allow", "deny"]), {
    expected: '"allow" or "deny"',
    about: "Whether a socket without a token may talk"
  }),
  allowedHosts: list.required("ALLOWED_HOSTS", "", Hosts, {
    expected: "host names, separated by commas",
    about: "`Host` headers that are served beside loopback names and `APP_HOST`"
  }),
  allowedOrigins: list.required("ALLOWED_ORIGINS", "", Origins, {
    expected: "origins such as https://chat.example, separated by commas",
    about: "Pages of other hosts that may call this server"
  }),
  trustedProxies: list.required("TRUSTED_PROXIES", "", Networks, {
    expected: "IP addresses or CIDR blocks, separated by commas",
    about: "Proxies whose `X-Forwarded-For`, or `Forwarded`, is believed"
  }),
  tlsCert: list.optional("TLS_CERT", Text, {
    expected: "a file of PEM certificates",
    about: "TLS on both ports, with this certificate (and its chain) and `TLS_KEY`; SIGHUP reads both again"
  }),
  tlsKey: list.optional("TLS_KEY", Text, {
    expected: "a file with a PEM key",
    about: "The key of `TLS_CERT`'s certificate"
  }),
  dashboard: list.optional("DASHBOARD", Schema.Literals(["open", "token", "off"]), {
    expected: '"open", "token" or "off"',
    about: "Who may see `/dashboard`: open by default on a loopback `APP_HOST`, else token"
  }),
  logFile: list.required("LOG_FILE", "./logs/chat_message.log", Text, {
    expected: "a file",
    about: "The structured log: a JSON object a line; SIGHUP reopens it"
  }),
  logLevel: list.required("LOG_LEVEL", "info", Schema.Literals(["trace", "debug", "info", "warn", "error", "fatal"]), {
    expected: '"trace", "debug", "info", "warn", "error" or "fatal"',
    about: "The least level that is logged"
  }),
  dbHost: list.optional("DB_HOST", Host, {
    expected: "a host name or an IP address",
    about: "MySQL 8.0.17 or MariaDB 10.6, or newer: accounts and sessions; needs `MONGODB_URI`, too"
  }),
  dbPort: list.required("DB_PORT", "3306", Port, { expected: "a port number 0–65535", about: "MySQL's port" }),
  dbUser: list.optional("DB_USER", Text, { expected: "a user name", about: "Whom MySQL knows" }),
  dbPassword: list.optional("DB_PASSWORD", Secret, { expected: "a password", about: "His password", secret: true }),
  dbName: list.optional("DB_NAME", Text, {
    expected: "a database's name",
    about: "MySQL's database, which must exist"
  }),
  dbTls: list.required("DB_TLS", "off", Schema.Literals(["off", "on"]), {
    expected: '"off" or "on"',
    about: "`on`: TLS to MySQL or no connection, its certificate verified"
  }),
  dbTlsCa: list.optional("DB_TLS_CA", Text, {
    expected: "a file of PEM certificates",
    about: "Who may have signed MySQL's certificate, where the system does not know"
  }),
  // It may hold a password: it is not shown either.
  mongodbUri: list.optional("MONGODB_URI", Schema.RedactedFromValue(UrlOf("mongodb", "mongodb+srv")), {
    expected: "mongodb://…",
    about:
      "MongoDB 7 or newer: the messages, in `chat_history` of the URI's database or of `go-chat-app`; needs `DB_*`, too",
    secret: true
  }),
  natsUrl: list.optional("NATS_URL", Schema.RedactedFromValue(UrlOf("nats", "tls", "ws", "wss")), {
    expected: "nats://…",
    about: "NATS (not served yet)",
    secret: true
  }),
  apiKey: list.optional("API_KEY", SigningSecret, {
    expected: "at least 32 bytes",
    about: "Opens the server API to backends (`/api/server/v1/`); without it there is none",
    secret: true
  }),
  serverApiCompat: list.required("SERVER_API_COMPAT", "false", Schema.Literals(["true", "false"]), {
    expected: '"true" or "false"',
    about: "`true`: the server API at Centrifugo's own paths, too (`/api/publish` …)"
  }),
  serverApiPerMinute: list.required("SERVER_API_PER_MINUTE", "60000", Count, {
    expected: "a whole number, 0 for no limit",
    about: "Requests of one address to the server API, which `RATE_LIMIT_PER_MINUTE` does not count; 0 = no limit"
  }),
  serviceName: list.required("ELASTIC_APM_SERVICE_NAME", "go-chat-app", ServiceName, {
    expected: "letters, digits, spaces, _ and -",
    about: "What this server is called in traces and logs"
  }),
  apmServerUrl: list.optional("ELASTIC_APM_SERVER_URL", UrlOf("http", "https"), {
    expected: "http://… or https://…",
    about: "Traces go to Elastic's APM Server there; its agent reads its other `ELASTIC_APM_*` variables by itself"
  }),
  apmSecretToken: list.optional("ELASTIC_APM_SECRET_TOKEN", Secret, {
    expected: "a token",
    about: "What the APM Server asks for",
    secret: true
  }),
  otlpEndpoint: list.optional("OTEL_EXPORTER_OTLP_ENDPOINT", UrlOf("http", "https"), {
    expected: "http://… or https://…",
    about: "Traces go to an OpenTelemetry collector there (OTLP over HTTP), where Elastic's APM Server is not set"
  }),
  traceRequests: list.required("TRACE_REQUESTS", "20", Count, {
    expected: "a whole number, 0 for errors only",
    about: "HTTP requests traced a second at most; errors always are"
  }),
  traceMessages: list.required("TRACE_MESSAGES", "100", Count, {
    expected: "a whole number, 0 for errors only",
    about: "One message in so many is traced, 20 a second at most; errors always are"
  })
})

type Settings = Config.Success<typeof settings>

export interface Databases {
  readonly mysql: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: Redacted.Redacted
    readonly database: string
    readonly tls: { readonly caFile: string | undefined } | undefined
  }
  readonly mongodb: { readonly uri: Redacted.Redacted }
}

export interface AppConfig extends Omit<Settings, "dashboard"> {
  readonly dashboard: "open" | "token" | "off"
  /** MySQL and MongoDB; `undefined` keeps everything in `dataDir`. */
  readonly databases: Databases | undefined
  /** What was set but does nothing: one line each, for the log. */
  readonly warnings: ReadonlyArray<string>
}

/** Every variable that the server reads, in the order of the documentation. */
export const variables: ReadonlyArray<Variable> = list.all

const secrets = variables.filter((variable) => variable.secret).map((variable) => variable.name)

/** Every name that means something in the environment. */
const names: ReadonlyArray<string> = [...variables.map((variable) => variable.name), ...secrets.map(secretFileVariable)]

type Environment = Readonly<Record<string, string | undefined>>

const neededDatabases = ["DB_HOST", "DB_USER", "DB_NAME", "MONGODB_URI"]

/** Whoever sets one of these wants the databases; those with a default say nothing. */
const databases = [...neededDatabases, "DB_PASSWORD", "DB_TLS_CA"]

/** Half a configuration would keep somebody's messages in the wrong place; so would ignoring what a later release serves. */
const databaseProblems = (env: Environment): ReadonlyArray<string> => {
  const isSet = (name: string): boolean => (env[name] ?? "") !== ""
  const asked = databases.filter(isSet)
  const missing = neededDatabases.filter((name) => !isSet(name))
  return [
    ...(asked.length > 0 && missing.length > 0
      ? [
          `${missing.join(", ")}: missing, while ${asked.join(", ")} ${asked.length === 1 ? "is" : "are"} set; set all of ${neededDatabases.join(", ")} to keep accounts in MySQL and messages in MongoDB, or none of them to keep both in DATA_DIR`
        ]
      : []),
    ...(asked.length > 0 && !isSet("JWT_SECRET")
      ? [
          "JWT_SECRET: missing; it signs the tokens, at least 32 bytes, and is made by itself only where DATA_DIR keeps everything"
        ]
      : []),
    ...(isSet("NATS_URL") ? ["NATS_URL: NATS is not served yet; unset it"] : [])
  ]
}

const databasesOf = (read: Settings): AppConfig["databases"] => {
  const { dbHost, dbName, dbPassword, dbPort, dbTls, dbTlsCa, dbUser, mongodbUri } = read
  if (dbHost === undefined || dbUser === undefined || dbName === undefined || mongodbUri === undefined) return undefined
  return {
    mysql: {
      host: dbHost,
      port: dbPort,
      user: dbUser,
      password: dbPassword ?? Redacted.make(""),
      database: dbName,
      tls: dbTls === "on" ? { caFile: dbTlsCa } : undefined
    },
    mongodb: { uri: mongodbUri }
  }
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

/**
 * The configuration out of `environment`, whose empty values count as not set, and of the files that it names (`JWT_SECRET_FILE` for `JWT_SECRET`, and so for
 * every secret). Fails once, with a line for **every** wrong value that names the variable, what was
 * expected and, but for secrets, what was found.
 */
export const loadConfig = (environment: Environment): Effect.Effect<AppConfig, StartError> =>
  Effect.gen(function* () {
    const { env, fromFiles, problems } = readSecretFiles(environment, secrets)
    const named = (line: string): string => {
      const name = fromFiles.find((name) => line.startsWith(`${name}: `))
      return name === undefined ? line : `${secretFileVariable(name)}: ${line.slice(name.length + 2)}`
    }
    const wrong = [
      ...problems,
      ...(yield* list.problems(env)).map(named),
      // What a file did not give is not missing, too.
      ...(problems.length === 0 ? databaseProblems(env) : [])
    ]
    if (wrong.length > 0) return yield* new StartError({ lines: wrong })
    const read = yield* Effect.orDie(settings.parse(ConfigProvider.fromUnknown(env)))
    if (Duration.isGreaterThan(read.accessTokenTtl, read.refreshTokenTtl)) {
      return yield* new StartError({ lines: ["ACCESS_TOKEN_TTL: expected at most REFRESH_TOKEN_TTL"] })
    }
    if ((read.tlsCert === undefined) !== (read.tlsKey === undefined)) {
      return yield* new StartError({ lines: ["TLS_CERT, TLS_KEY: expected both, or neither"] })
    }
    if (read.messageRate > 0 && read.messageBurst === 0) {
      return yield* new StartError({ lines: ["MESSAGE_BURST: expected at least 1 while MESSAGE_RATE is not 0"] })
    }
    return {
      ...read,
      databases: databasesOf(read),
      dashboard: read.dashboard ?? (isLoopback(read.host) ? "open" : "token"),
      warnings: [
        ...misspellings(Object.keys(env), names),
        ...(read.serverApiCompat === "true" && read.apiKey === undefined
          ? ["SERVER_API_COMPAT is set, but there is no server API without API_KEY"]
          : []),
        ...(read.apmServerUrl !== undefined && read.otlpEndpoint !== undefined
          ? ["OTEL_EXPORTER_OTLP_ENDPOINT is set, but traces go to ELASTIC_APM_SERVER_URL alone"]
          : [])
      ]
    }
  })
