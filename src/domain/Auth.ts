import { Context, Effect, Layer, Option, Schema } from "effect"
import type { Redacted } from "effect"
import { PasswordHasher } from "../ports/PasswordHasher.ts"
import type { HasherOverloaded } from "../ports/PasswordHasher.ts"
import { RateLimiter } from "../ports/RateLimiter.ts"
import { SessionSignals } from "../ports/SessionSignals.ts"
import { Users, UsernameTaken } from "../ports/Users.ts"
import type { StoreUnavailable } from "../ports/Users.ts"
import type { Profile } from "./Account.ts"
import { isReserved } from "./ReservedNames.ts"
import { Sessions } from "./Sessions.ts"
import type { TokenPair } from "./Sessions.ts"

/** Unknown user or wrong password: one answer, in one time. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {}

/** Too many logins of this account from this address. */
export class TooManyLogins extends Schema.TaggedError<TooManyLogins>()("TooManyLogins", {
  retryAfterMs: Schema.Int
}) {}

export interface AuthOptions {
  /** Attempts a minute at one account from one address, right ones and wrong ones; 5 by default, 0 is no limit. */
  readonly loginsPerMinute?: number
}

interface Registration {
  readonly username: string
  readonly password: Redacted.Redacted<string>
  readonly fullName: string
}

interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted<string>
  /** The client's address as the HTTP adapter trusts it. */
  readonly ip: string
}

/** Longer names exist nowhere: what follows would only fill the limiter's memory. */
const maxLimiterName = 64

/** Opens accounts and checks passwords. */
export class Auth extends Context.Service<
  Auth,
  {
    /**
     * Creates the account; guests lose the name before this answers. The input was decoded by the HTTP schema
     * (username 6–20, password ≥ 6 and ≤ 72 bytes, full name 6–100); a reserved name is `UsernameTaken`.
     */
    readonly register: (
      registration: Registration
    ) => Effect.Effect<Profile, UsernameTaken | HasherOverloaded | StoreUnavailable>
    /** Checks the password and opens a session. An unknown user and a wrong password take the same way and the same time. */
    readonly login: (
      credentials: Credentials
    ) => Effect.Effect<
      { readonly profile: Profile; readonly tokens: TokenPair },
      InvalidCredentials | TooManyLogins | HasherOverloaded | StoreUnavailable
    >
  }
>()("parley/domain/Auth") {
  static readonly layer = (
    options: AuthOptions = {}
  ): Layer.Layer<Auth, never, Users | PasswordHasher | RateLimiter | Sessions | SessionSignals> =>
    Layer.effect(Auth, make(options))
}

const make = Effect.fnUntraced(function* (options: AuthOptions) {
  const users = yield* Users
  const hasher = yield* PasswordHasher
  const limiter = yield* RateLimiter
  const sessions = yield* Sessions
  const signals = yield* SessionSignals
  const loginsPerMinute = options.loginsPerMinute ?? 5

  const register = Effect.fn("Register")(function* ({ fullName, password, username }: Registration) {
    if (isReserved(username)) return yield* new UsernameTaken({ username })
    const passwordHash = yield* hasher.hash(password)
    // An account without its signal would leave a guest speaking under its name: a client that hangs up comes not between.
    return yield* users.create({ username, fullName, passwordHash }).pipe(
      Effect.tap((profile) => signals.publish({ _tag: "NameClaimed", username: profile.username })),
      Effect.uninterruptible
    )
  })

  const limit = Effect.fnUntraced(function* (username: string, ip: string) {
    if (loginsPerMinute === 0) return
    const decision = yield* limiter.consume({
      name: "login",
      key: JSON.stringify([username.slice(0, maxLimiterName), ip]),
      limit: loginsPerMinute,
      windowMillis: 60_000
    })
    if (!decision.allowed) yield* new TooManyLogins({ retryAfterMs: Math.ceil(decision.resetMillis) })
  })

  const login = Effect.fn("Login")(function* ({ ip, password, username }: Credentials) {
    yield* limit(username, ip)
    const user = Option.getOrUndefined(yield* users.findByUsername(username))
    const matches = yield* hasher.verify(password, user?.passwordHash ?? hasher.dummyHash)
    if (user === undefined || !matches) return yield* new InvalidCredentials()
    const profile: Profile = { userId: user.userId, username: user.username, fullName: user.fullName }
    return { profile, tokens: yield* sessions.open(profile) }
  })

  return { register, login }
})
