import { Clock, Effect, Layer, Redacted, Schema } from "effect"
import * as errors from "jose/errors"
import { jwtVerify } from "jose/jwt/verify"
import { RoomName } from "../../domain/Room.ts"
import { RoomTokenRejected, RoomTokens } from "../../ports/RoomTokens.ts"

/** What is longer is not looked at. */
const maxTokenLength = 4_096

/** RFC 7519 §2: `exp` is a NumericDate, seconds that may have a fraction. */
const decodePayload = Schema.decodeUnknownEffect(
  Schema.Struct({ sub: Schema.String, channel: RoomName, exp: Schema.Finite })
)

/** 68 years: what a later end (milliseconds for seconds, say) counts as. Clients are told the seconds that are left, and hold 32 bits of them. */
const maxMillisLeft = (2 ** 31 - 1) * 1_000

const malformed = () => new RoomTokenRejected({ reason: "malformed" })

/** HS256 by `secret` (at least 32 bytes: the configuration has checked it); without one no token is good. */
export const layer = (secret: Redacted.Redacted<string> | undefined): Layer.Layer<RoomTokens> =>
  Layer.effect(
    RoomTokens,
    Effect.gen(function* () {
      if (secret === undefined) return RoomTokens.of({ verify: () => Effect.fail(malformed()) })
      const key = yield* Effect.promise(() =>
        crypto.subtle.importKey(
          "raw",
          Buffer.from(Redacted.value(secret), "utf8"),
          { name: "HMAC", hash: "SHA-256" },
          false,
          ["verify"]
        )
      )
      return RoomTokens.of({
        verify: (token) =>
          Effect.gen(function* () {
            const text = Redacted.value(token)
            if (text.length > maxTokenLength) return yield* malformed()
            const now = yield* Clock.currentTimeMillis
            const { payload } = yield* Effect.tryPromise({
              try: () =>
                jwtVerify(text, key, {
                  algorithms: ["HS256"],
                  requiredClaims: ["sub", "channel", "exp"],
                  currentDate: new Date(now)
                }),
              catch: (error) =>
                error instanceof errors.JWTExpired ? new RoomTokenRejected({ reason: "expired" }) : malformed()
            })
            const { channel, exp, sub } = yield* Effect.mapError(decodePayload(payload), malformed)
            return { user: sub, room: channel, expiresAt: Math.min(Math.floor(exp * 1_000), now + maxMillisLeft) }
          })
      })
    })
  )
