import { Context, Schema } from "effect"
import type { Effect, Redacted } from "effect"

/** Too many hashes wait already: come back after `retryAfterMs`. */
export class HasherOverloaded extends Schema.TaggedError<HasherOverloaded>()("HasherOverloaded", {
  retryAfterMs: Schema.Int
}) {}

/**
 * Slow, salted password hashes. A few run at once, a bounded queue waits, the rest is `HasherOverloaded`:
 * a login storm must not stall the chat.
 */
export class PasswordHasher extends Context.Service<
  PasswordHasher,
  {
    /** The password is at most 72 bytes of UTF-8: whoever calls has checked it. */
    readonly hash: (password: Redacted.Redacted<string>) => Effect.Effect<string, HasherOverloaded>
    /** False for a wrong password, for one over 72 bytes and for a hash that is none. Takes one hash's time whatever the answer. */
    readonly verify: (password: Redacted.Redacted<string>, hash: string) => Effect.Effect<boolean, HasherOverloaded>
    /** A real hash, of the same cost, of a password nobody knows: to be verified against where the user is unknown. */
    readonly dummyHash: string
  }
>()("parley/ports/PasswordHasher") {}
