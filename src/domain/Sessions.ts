import { Context, Schema } from "effect"
import type { Effect, Redacted } from "effect"
import type { StoreUnavailable } from "../ports/Users.ts"
import type { Principal, Profile } from "./Account.ts"

export interface TokenPair {
  readonly accessToken: Redacted.Redacted<string>
  readonly refreshToken: Redacted.Redacted<string>
  /** Milliseconds since 1970 UTC. */
  readonly refreshExpiresAt: number
}

/** The token is not one of ours that is valid now. `reason` is for the log and the close code, the reply may say it. */
export class InvalidToken extends Schema.TaggedError<InvalidToken>()("InvalidToken", {
  reason: Schema.Literals(["malformed", "expired", "wrong_type", "revoked", "replayed"])
}) {}

/** Logins and their tokens. */
export class Sessions extends Context.Service<
  Sessions,
  {
    readonly open: (profile: Profile) => Effect.Effect<TokenPair, StoreUnavailable>
    /** Who shows this access token. Asks the store: a session that was logged out is `revoked`. */
    readonly authenticate: (
      accessToken: Redacted.Redacted<string>
    ) => Effect.Effect<Principal, InvalidToken | StoreUnavailable>
    /**
     * Rotates. N racing refreshes of one token make one pair. Within 10 s, while the new pair is unused, a retry gets the identical pair;
     * after its use, or after 10 s, the replay ends the whole family (`replayed`).
     */
    readonly refresh: (
      refreshToken: Redacted.Redacted<string>
    ) => Effect.Effect<TokenPair, InvalidToken | StoreUnavailable>
    /** Logout. When this answers, the session is gone from the store and its sockets in this process are closed. */
    readonly end: (principal: Principal) => Effect.Effect<void, StoreUnavailable>
  }
>()("parley/domain/Sessions") {}
