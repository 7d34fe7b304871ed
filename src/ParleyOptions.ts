import { Effect, Schema } from "effect"
import { describeIssues } from "./adapters/schema/Issues.ts"
import { loadConfig } from "./Config.ts"
import type { AppConfig } from "./Config.ts"
import { StartError } from "./StartError.ts"

/**
 * What a server inside a program may be told. Everything has the default that the README's table of variables shows, and nothing is read from the environment or from
 * `.env`, but for what `environment` brings.
 */
export interface ParleyOptions {
  /** Where both ports listen: `"localhost"` by default; `"0.0.0.0"` is every interface. */
  readonly host?: string | undefined
  /** The page and the HTTP API: 4000 by default; 0 picks a free port. */
  readonly apiPort?: number | undefined
  /** WebSockets (the API's port takes them, too): 8080 by default; 0 picks a free port; may be the same as `apiPort`. */
  readonly socketPort?: number | undefined
  /** Where the embedded database lives: `"./data"` by default, made where it is not there. One server at a time owns it. */
  readonly dataDir?: string | undefined
  /** Signs the tokens, at least 32 bytes; made on first start, in `dataDir`, where there is none. */
  readonly jwtSecret?: string | undefined
  /** Milliseconds, or `"15 minutes"` (the default). */
  readonly accessTokenTtl?: number | string | undefined
  /** Milliseconds, or `"24 hours"` (the default). */
  readonly refreshTokenTtl?: number | string | undefined
  /** Requests of one address to `/api/*`: 50; 0 is no limit, here and below. */
  readonly rateLimitPerMinute?: number | undefined
  /** Logins of one account from one address: 5. */
  readonly loginsPerMinute?: number | undefined
  /** Messages a second of one user, over all his sockets: 5. What the program itself posts is not counted. */
  readonly messageRate?: number | undefined
  /** So many at once before `messageRate` counts: 20. */
  readonly messageBurst?: number | undefined
  /** 10. */
  readonly socketsPerUser?: number | undefined
  /** 1000. */
  readonly socketsPerIp?: number | undefined
  /** Whether a socket without a token may talk: `"allow"` by default. */
  readonly guests?: "allow" | "deny" | undefined
  /** `Host` headers that are served beside loopback names and `host`. */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Pages of other hosts that may call this server, such as `https://chat.example`. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  /** Proxies whose `X-Forwarded-For` is believed: addresses or CIDR blocks. */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /** Who may see `/dashboard`: `"open"` by default on a loopback `host`, else `"token"`. */
  readonly dashboard?: "open" | "token" | "off" | undefined
  /** Variables of the README's table, such as `process.env`; an option beside it wins. `LOG_FILE` and `LOG_LEVEL` mean nothing here. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

const Text = Schema.optional(Schema.NonEmptyString)
const Whole = Schema.optional(Schema.Int)
const Texts = Schema.optional(Schema.Array(Schema.NonEmptyString))
const Ttl = Schema.optional(Schema.Union([Schema.Finite, Schema.NonEmptyString]))

const Options = Schema.Struct({
  host: Text,
  apiPort: Whole,
  socketPort: Whole,
  dataDir: Text,
  jwtSecret: Text,
  accessTokenTtl: Ttl,
  refreshTokenTtl: Ttl,
  rateLimitPerMinute: Whole,
  loginsPerMinute: Whole,
  messageRate: Whole,
  messageBurst: Whole,
  socketsPerUser: Whole,
  socketsPerIp: Whole,
  guests: Text,
  allowedHosts: Texts,
  allowedOrigins: Texts,
  trustedProxies: Texts,
  dashboard: Text
})

/** The variable that means the same: it judges the option, too, so that both are told the same. */
const variableOf = {
  host: "APP_HOST",
  apiPort: "APP_PORT",
  socketPort: "APP_PORT_SOCKET",
  dataDir: "DATA_DIR",
  jwtSecret: "JWT_SECRET",
  accessTokenTtl: "ACCESS_TOKEN_TTL",
  refreshTokenTtl: "REFRESH_TOKEN_TTL",
  rateLimitPerMinute: "RATE_LIMIT_PER_MINUTE",
  loginsPerMinute: "LOGINS_PER_MINUTE",
  messageRate: "MESSAGE_RATE",
  messageBurst: "MESSAGE_BURST",
  socketsPerUser: "SOCKETS_PER_USER",
  socketsPerIp: "SOCKETS_PER_IP",
  guests: "GUESTS",
  allowedHosts: "ALLOWED_HOSTS",
  allowedOrigins: "ALLOWED_ORIGINS",
  trustedProxies: "TRUSTED_PROXIES",
  dashboard: "DASHBOARD"
} satisfies Record<keyof typeof Options.fields, string>

const variables: ReadonlyMap<string, string> = new Map(Object.entries(variableOf))
const options: ReadonlyMap<string, string> = new Map(Array.from(variables, ([option, variable]) => [variable, option]))

const textOf = (option: string, value: number | string | ReadonlyArray<string>): string => {
  if (typeof value === "number") return option.endsWith("Ttl") ? `${value} millis` : String(value)
  return typeof value === "string" ? value : value.join(",")
}

/** What a message says of a variable means the option, but where it was the variable that was set. */
const inOptions =
  (isVariableSet: (variable: string) => boolean) =>
  (message: string): string =>
    message.replaceAll(/\b[A-Z]+(?:_[A-Z]+)*\b/g, (word) => (isVariableSet(word) ? word : (options.get(word) ?? word)))

const decode = Schema.decodeUnknownExit(Options, { errors: "all", onExcessProperty: "error" })

export interface ReadOptions {
  readonly config: AppConfig
  /** Turns the names of variables in a message into those of options. */
  readonly inOptions: (message: string) => string
}

/** Judges the options. Fails once, with everything that is wrong, each by its name. */
export const readOptions = ({ environment = {}, ...given }: ParleyOptions): Effect.Effect<ReadOptions, StartError> =>
  Effect.gen(function* () {
    const decoded = decode(given)
    if (decoded._tag === "Failure") return yield* new StartError({ lines: [describeIssues(decoded)] })
    const said: Record<string, string> = {}
    for (const [option, value] of Object.entries(decoded.value)) {
      const variable = variables.get(option)
      if (variable !== undefined && value !== undefined) said[variable] = textOf(option, value)
    }
    const translate = inOptions((variable) => !(variable in said) && (environment[variable] ?? "") !== "")
    const config = yield* loadConfig({ ...environment, ...said }).pipe(
      Effect.mapError(({ lines }) => new StartError({ lines: lines.map(translate) }))
    )
    return { config, inOptions: translate }
  })
