import { Context, Schema } from "effect"
import type { Effect, Option } from "effect"
import type { Profile, UserId } from "../domain/Account.ts"

/** The user store or the session store did not answer; nothing is known to have changed. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  store: Schema.Literals(["users", "sessions"]),
  detail: Schema.String
}) {}

/** The username is somebody's already. */
export class UsernameTaken extends Schema.TaggedError<UsernameTaken>()("UsernameTaken", {
  username: Schema.String
}) {}

export interface UserRecord extends Profile {
  /** bcrypt, as `PasswordHasher` made it (or the original application did). */
  readonly passwordHash: string
}

/**
 * The accounts. Usernames are unique and compared exactly, code point by code point: `TESTUSER` is not `testuser`.
 */
export class Users extends Context.Service<
  Users,
  {
    /** Of N racing creations of one username exactly one succeeds. */
    readonly create: (user: {
      readonly username: string
      readonly fullName: string
      readonly passwordHash: string
    }) => Effect.Effect<Profile, UsernameTaken | StoreUnavailable>
    readonly findByUsername: (username: string) => Effect.Effect<Option.Option<UserRecord>, StoreUnavailable>
    /**
     * Puts the hash `to` in the place of `from`, in one conditional write: of N racing changes from one hash exactly one answers true. False, and nothing
     * changed, where `from` is not the account's hash any more, or there is no such account.
     */
    readonly replacePasswordHash: (change: {
      readonly userId: UserId
      readonly from: string
      readonly to: string
    }) => Effect.Effect<boolean, StoreUnavailable>
  }
>()("parley/ports/Users") {}
