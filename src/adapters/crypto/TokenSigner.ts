import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto"
import type { webcrypto } from "node:crypto"
import { Clock, Effect, Layer, Redacted, Schema } from "effect"
import * as errors from "jose/errors"
import { SignJWT } from "jose/jwt/sign"
import { jwtVerify } from "jose/jwt/verify"
import type { JWTVerifyResult } from "jose"
import { decodeProtectedHeader } from "jose/decode/protected_header"
import { SessionId, UserId } from "../../domain/Account.ts"
import { TokenRejected, TokenSigner } from "../../ports/TokenSigner.ts"
import type { TokenClaims, TokenKind } from "../../ports/TokenSigner.ts"

/** RFC 7518 §3.2: a key for HS256 is at least as long as its hash. */
const minSecretBytes = 32
/** Ours have about 500 characters. What is longer is not looked at. */
const maxTokenLength = 4_096
const algorithm = "HS256"
const typeOf: Record<TokenKind, string> = { access: "at+jwt", refresh: "rt+jwt" }

/** The signing secret is too short to sign with. */
export class WeakSecret extends Schema.TaggedError<WeakSecret>()("WeakSecret", {
  bytes: Schema.Int
}) {
  override get message(): string {
    return `the signing secret has ${this.bytes} bytes, at least ${minSecretBytes} are needed`
  }
}

export interface TokenSignerOptions {
  /** At least 32 bytes of UTF-8. */
  readonly secret: Redacted.Redacted<string>
  /** Those that were current before: what they signed is good as long as it would have been. Each at least 32 bytes. */
  readonly previous?: ReadonlyArray<Redacted.Redacted<string>>
  /** `parley` by default, as is the audience. */
  readonly issuer?: string
  readonly audience?: string
  /** How far the clocks of several nodes may differ, 0–30 seconds. A token lives so much longer. 0 by default. */
  readonly clockToleranceSeconds?: number
}

const Payload = Schema.Struct({
  username: Schema.String,
  full_name: Schema.String,
  sub: Schema.NumberFromString.pipe(Schema.decodeTo(UserId)),
  sid: SessionId,
  jti: Schema.NonEmptyString,
  iat: Schema.Int,
  exp: Schema.Int
})
const decodePayload = Schema.decodeUnknownEffect(Payload)

interface Key {
  /** Names the key in a token's header: 8 bytes that only who has the key can make. */
  readonly kid: string
  readonly key: webcrypto.CryptoKey
}

const importKey = Effect.fnUntraced(function* (secret: Redacted.Redacted<string>) {
  const bytes = Buffer.from(Redacted.value(secret), "utf8")
  if (bytes.byteLength < minSecretBytes) return yield* new WeakSecret({ bytes: bytes.byteLength })
  const key = yield* Effect.promise(() =>
    crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"])
  )
  const kid = createHmac("sha256", bytes).update("parley key id").digest().subarray(0, 8).toString("base64url")
  const imported: Key = { kid, key }
  return imported
})

const fingerprintOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** HS256 with jose: `typ` is `at+jwt` (RFC 9068) or `rt+jwt`. */
export const layer = (options: TokenSignerOptions): Layer.Layer<TokenSigner, WeakSecret> =>
  Layer.effect(
    TokenSigner,
    Effect.gen(function* () {
      const current = yield* importKey(options.secret)
      const keys = [current, ...(yield* Effect.forEach(options.previous ?? [], importKey))]
      const issuer = options.issuer ?? "parley"
      const audience = options.audience ?? "parley"
      const clockTolerance = Math.min(30, Math.max(0, options.clockToleranceSeconds ?? 0))

      const signWith = ({ key, kid }: Key, kind: TokenKind, claims: TokenClaims) =>
        // The order of header and claims is part of the token's text: a token that is made again must be the same.
        Effect.promise(() =>
          new SignJWT({
            username: claims.username,
            full_name: claims.fullName,
            iss: issuer,
            aud: audience,
            sub: String(claims.userId),
            sid: claims.sessionId,
            jti: claims.tokenId,
            iat: claims.issuedAt / 1_000,
            exp: claims.expiresAt / 1_000
          })
            .setProtectedHeader({ alg: algorithm, typ: typeOf[kind], kid })
            .sign(key)
        )

      const sign = Effect.fn("GenerateToken")(function* (kind: TokenKind, claims: TokenClaims, fingerprint?: string) {
        const token = yield* signWith(current, kind, claims)
        if (fingerprint === undefined || fingerprintOf(token) === fingerprint) return Redacted.make(token)
        for (const key of keys.slice(1)) {
          const before = yield* signWith(key, kind, claims)
          if (fingerprintOf(before) === fingerprint) return Redacted.make(before)
        }
        return Redacted.make(token)
      })

      /** A token without a `kid` is from before keys had one: any of them may have signed it. */
      const keysFor = (token: string): ReadonlyArray<Key> => {
        const kid = kidOf(token)
        return kid === undefined ? keys : keys.filter((key) => key.kid === kid)
      }

      const verify = Effect.fn("ValidateToken")(function* (kind: TokenKind, token: Redacted.Redacted<string>) {
        const text = Redacted.value(token)
        if (text.length > maxTokenLength) return yield* new TokenRejected({ reason: "malformed" })
        const now = yield* Clock.currentTimeMillis
        const verifyWith = async ([first, ...others]: ReadonlyArray<Key>): Promise<JWTVerifyResult> => {
          try {
            return await jwtVerify(text, first?.key ?? noKey, {
              algorithms: [algorithm],
              typ: typeOf[kind],
              issuer,
              audience,
              clockTolerance,
              requiredClaims: ["username", "full_name", "sub", "sid", "jti", "iat", "exp"],
              currentDate: new Date(now)
            })
          } catch (error) {
            if (others.length === 0 || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
            return verifyWith(others)
          }
        }
        const { payload } = yield* Effect.tryPromise({
          try: () => verifyWith(keysFor(text)),
          catch: (error) => new TokenRejected({ reason: reasonOf(error) })
        })
        const claims = yield* decodePayload(payload).pipe(
          Effect.mapError(() => new TokenRejected({ reason: "malformed" }))
        )
        return {
          userId: claims.sub,
          username: claims.username,
          fullName: claims.full_name,
          sessionId: claims.sid,
          tokenId: claims.jti,
          issuedAt: claims.iat * 1_000,
          expiresAt: claims.exp * 1_000
        }
      })

      return {
        sign,
        verify,
        fingerprint: (token) => fingerprintOf(Redacted.value(token)),
        freshId: Effect.sync(() => randomUUID())
      }
    })
  )

/** What signs nothing of ours. */
const noKey = new Uint8Array(randomBytes(minSecretBytes))

/** `undefined` where the header has none; whatever else is wrong with it is for `jwtVerify` to say. */
const kidOf = (token: string): unknown => {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}

const reasonOf = (error: unknown): TokenRejected["reason"] => {
  if (error instanceof errors.JWTExpired) return "expired"
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "typ") return "wrong_type"
  return "malformed"
}
