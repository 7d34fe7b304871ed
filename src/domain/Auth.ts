import { Context, Schema } from "effect"
import type { Effect, Redacted } from "effect"
import type { HasherOverloaded } from "../ports/PasswordHasher.ts"
import type { StoreUnavailable, UsernameTaken } from "../ports/Users.ts"
import type { Profile } from "./Account.ts"
import type { TokenPair } from "./Sessions.ts"

/** Unknown user or wrong password: one answer, in one time. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {}

/** Too many logins of this account from this address. */
export class TooManyLogins extends Schema.TaggedError<TooManyLogins>()("TooManyLogins", {
  retryAfterMs: Schema.Int
}) {}

/** Opens accounts and checks passwords. */
export class Auth extends Context.Service<
  Auth,
  {
    /**
     * Creates the account; guests lose the name before this answers. The input was decoded by the HTTP schema
     * (username 6–20, password ≥ 6 and ≤ 72 bytes, full name 6–100); a reserved name is `UsernameTaken`.
     */
    readonly register: (registration: {
      readonly username: string
      readonly password: Redacted.Redacted<string>
      readonly fullName: string
    }) => Effect.Effect<Profile, UsernameTaken | HasherOverloaded | StoreUnavailable>
    /** Checks the password and opens a session. `ip` is the client's address as the HTTP adapter trusts it. */
    readonly login: (credentials: {
      readonly username: string
      readonly password: Redacted.Redacted<string>
      readonly ip: string
    }) => Effect.Effect<
      { readonly profile: Profile; readonly tokens: TokenPair },
      InvalidCredentials | TooManyLogins | HasherOverloaded | StoreUnavailable
    >
  }
>()("parley/domain/Auth") {}
