import { Context, Schema } from "effect"
import type { Effect, Redacted } from "effect"
import type { Profile, SessionId } from "../domain/Account.ts"

/** An access token opens doors, a refresh token only makes the next pair. One is never taken for the other. */
export type TokenKind = "access" | "refresh"

/** What a token says. Times are milliseconds since 1970 UTC in whole seconds, since that is what a JWT holds. */
export interface TokenClaims extends Profile {
  readonly sessionId: SessionId
  /** The token's own id (`jti`): two tokens of one second differ by it. */
  readonly tokenId: string
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The text is no token that this service signed for this use, or its time is over. */
export class TokenRejected extends Schema.TaggedError<TokenRejected>()("TokenRejected", {
  reason: Schema.Literals(["malformed", "expired", "wrong_type"])
}) {}

/**
 * Signed tokens (JWT, RFC 7519).
 *
 * **Deterministic.** The same kind and claims give the same token, byte for byte: a pair is made again from the ids and times that
 * the session store keeps, so the tokens themselves are stored nowhere.
 *
 * **Strict.** `verify` accepts one algorithm, the asked kind, this issuer and audience, and only tokens with every claim. Of what the
 * token's header says about keys only `kid` is looked at: it picks one of our own keys, current or previous, or none. Expiry is judged by Effect's clock.
 *
 * **Not here.** Whether the session still lives: that is the session store's.
 */
export class TokenSigner extends Context.Service<
  TokenSigner,
  {
    /**
     * With the current key; with a previous one where `fingerprint` is given and is that of the token which that key makes, so that a pair made before a change of
     * keys is made again as it was.
     */
    readonly sign: (
      kind: TokenKind,
      claims: TokenClaims,
      fingerprint?: string
    ) => Effect.Effect<Redacted.Redacted<string>>
    readonly verify: (kind: TokenKind, token: Redacted.Redacted<string>) => Effect.Effect<TokenClaims, TokenRejected>
    /** SHA-256 of the token's text, 64 hexadecimal digits: what a store keeps of it. */
    readonly fingerprint: (token: Redacted.Redacted<string>) => string
    /** A fresh id that nobody can guess (122 random bits), for a session or a token. */
    readonly freshId: Effect.Effect<string>
  }
>()("parley/ports/TokenSigner") {}
