import { Context, Effect, Layer, Option, Schema } from "effect"
import type { Redacted } from "effect"
import { PasswordHasher } from "../ports/PasswordHasher.ts"
import type { HasherOverloaded } from "../ports/PasswordHasher.ts"
import { RateLimiter } from "../ports/RateLimiter.ts"
import { SessionSignals } from "../ports/SessionSignals.ts"
import { Users, UsernameTaken } from "../ports/Users.ts"
import type { StoreUnavailable } from "../ports/Users.ts"
import type { Principal, Profile } from "./Account.ts"
import { isReserved } from "./ReservedNames.ts"
import { Sessions } from "./Sessions.ts"
import type { TokenPair } from "./Sessions.ts"

/** Unknown user or wrong password: one answer, in one time. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {}

/** The password that was shown for a change is not the account's. */
export class WrongPassword extends Schema.TaggedError<WrongPassword>()("WrongPassword", {}) {}

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

interface PasswordChange {
  readonly principal: Principal
  readonly current: Redacted.Redacted<string>
  /** 6 characters to 72 bytes: whoever calls has checked it. */
  readonly next: Redacted.Redacted<string>
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
    /**
     * A new password for whoever shows the current one; **every other session of his ends** before this answers, with its sockets, and the one that asks goes on.
     * Counts as a login towards the limit. Asked again, because its reply was lost, it is the same change. `StoreUnavailable`: it may have happened, ask again.
     */
    readonly changePassword: (
      change: PasswordChange
    ) => Effect.Effect<void, WrongPassword | TooManyLogins | HasherOverloaded | StoreUnavailable>
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
    const { sessionId, ...tokens } = yield* sessions.open(profile)
    // A change of the password ends the sessions that it finds: one that was opened with the old password meanwhile must not stay.
    const since = Option.getOrUndefined(yield* users.findByUsername(username))
    if (since?.passwordHash === user.passwordHash) return { profile, tokens }
    yield* sessions.endOne({ ...profile, sessionId, expiresAt: 0 }, sessionId)
    return yield* new InvalidCredentials()
  })

  const changePassword = Effect.fn("Auth.changePassword")(function* (change: PasswordChange) {
    const { sessionId, userId, username } = change.principal
    yield* limit(username, change.ip)
    const user = Option.getOrUndefined(yield* users.findByUsername(username))
    if (user?.userId !== userId) return yield* new WrongPassword()
    if (yield* hasher.verify(change.current, user.passwordHash)) {
      const to = yield* hasher.hash(change.next)
      const changed = yield* users.replacePasswordHash({ userId, from: user.passwordHash, to })
      if (!changed) return yield* new WrongPassword()
    } else if (!(yield* hasher.verify(change.next, user.passwordHash))) {
      return yield* new WrongPassword()
    }
    return yield* Effect.asVoid(sessions.endAll(userId, sessionId))
  }, Effect.uninterruptible)

  return { register, login, changePassword }
})
