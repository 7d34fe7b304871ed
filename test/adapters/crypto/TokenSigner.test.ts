import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layer as signerLayer } from "../../../src/adapters/crypto/TokenSigner.ts"
import { SessionId, UserId } from "../../../src/domain/Account.ts"
import { TokenSigner } from "../../../src/ports/TokenSigner.ts"
import type { TokenClaims } from "../../../src/ports/TokenSigner.ts"

const secret = "a secret of at least thirty-two bytes"
const signer = signerLayer({ secret: Redacted.make(secret) })

const now = Date.UTC(2026, 0, 31, 9, 10)
const claims: TokenClaims = {
  userId: UserId.make(7),
  username: "testuser",
  fullName: "Tést Üser 👋",
  sessionId: SessionId.make("session-1"),
  tokenId: "token-1",
  issuedAt: now,
  expiresAt: now + 900_000
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8"))

/** A token as somebody would write it who does not use our code. */
const forge = (header: unknown, payload: unknown, key = secret, hash = "sha256") => {
  const signed = `${encode(header)}.${encode(payload)}`
  return Redacted.make(`${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`)
}

/** A key's id is made with the key: whoever sees it learns nothing of it. */
const kid = createHmac("sha256", secret).update("parley key id").digest().subarray(0, 8).toString("base64url")
const header = { alg: "HS256", typ: "at+jwt" }
const payload = {
  username: "testuser",
  full_name: "Test User",
  iss: "parley",
  aud: "parley",
  sub: "7",
  sid: "session-1",
  jti: "token-1",
  iat: now / 1_000,
  exp: now / 1_000 + 900
}
const without = (claim: string) => Object.fromEntries(Object.entries(payload).filter(([name]) => name !== claim))

const built = (text: string) => Effect.scoped(Layer.build(signerLayer({ secret: Redacted.make(text) })))

const test = (says: string, run: (signer: typeof TokenSigner.Service) => Effect.Effect<void, unknown>) =>
  it.effect(says, () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      yield* run(yield* TokenSigner)
    }).pipe(Effect.provide(signer))
  )

describe("TokenSigner", () => {
  test("what was signed is read back", (signer) =>
    Effect.gen(function* () {
      for (const kind of ["access", "refresh"] as const) {
        const token = yield* signer.sign(kind, claims)
        assert.deepStrictEqual(yield* signer.verify(kind, token), claims)
      }
    }))

  test("a token carries the documented header and claims and nothing else", (signer) =>
    Effect.gen(function* () {
      const [head, body] = Redacted.value(yield* signer.sign("access", claims)).split(".")
      assert.deepStrictEqual(decode(head), { ...header, kid })
      assert.deepStrictEqual(decode(body), { ...payload, full_name: "Tést Üser 👋" })
      const [refreshHead] = Redacted.value(yield* signer.sign("refresh", claims)).split(".")
      assert.deepStrictEqual(decode(refreshHead), { alg: "HS256", typ: "rt+jwt", kid })
    }))

  test("the same claims give the same token, another id gives another", (signer) =>
    Effect.gen(function* () {
      const token = Redacted.value(yield* signer.sign("access", claims))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(Redacted.value(yield* signer.sign("access", { ...claims })), token)
      assert.notStrictEqual(Redacted.value(yield* signer.sign("access", { ...claims, tokenId: "token-2" })), token)
    }))

  test("a token is good to the last second of its life and expired after it", (signer) =>
    Effect.gen(function* () {
      const token = yield* signer.sign("access", claims)
      yield* TestClock.setTime(claims.expiresAt - 1)
      yield* signer.verify("access", token)
      yield* TestClock.setTime(claims.expiresAt)
      assert.strictEqual((yield* Effect.flip(signer.verify("access", token))).reason, "expired")
    }))

  const secrets = ["current", "previous", "forgotten"].map((name) =>
    Redacted.make(`${name} secret of at least 32 bytes`)
  )
  const [current, previous, forgotten] = secrets
  const signed = (secret = current) =>
    Effect.flatMap(TokenSigner, (signer) => signer.sign("access", claims)).pipe(
      Effect.provide(signerLayer({ secret: secret ?? Redacted.make("") }))
    )
  const changed = signerLayer({ secret: current ?? Redacted.make(""), previous: [previous ?? Redacted.make("")] })

  it.effect("what a previous secret signed is good after a change, what a forgotten one signed is not", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const signer = yield* TokenSigner
      for (const secret of [current, previous]) {
        assert.deepStrictEqual(yield* signer.verify("access", yield* signed(secret)), claims)
      }
      assert.strictEqual((yield* Effect.flip(signer.verify("access", yield* signed(forgotten)))).reason, "malformed")
      const token = yield* signer.sign("access", claims)
      assert.strictEqual(Redacted.value(token), Redacted.value(yield* signed(current)))
    }).pipe(Effect.provide(changed))
  )

  it.effect("a kid picks the key: a token that names another of ours than the one that signed it is refused", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const signer = yield* TokenSigner
      const [own, other] = [Redacted.value(yield* signed(current)), Redacted.value(yield* signed(previous))]
      const [head] = other.split(".")
      const mixed = Redacted.make([head, ...own.split(".").slice(1)].join("."))
      assert.strictEqual((yield* Effect.flip(signer.verify("access", mixed))).reason, "malformed")
    }).pipe(Effect.provide(changed))
  )

  it.effect("a token without a kid, from before keys had one, is good where any of ours signed it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const signer = yield* TokenSigner
      for (const secret of [current, previous]) {
        const token = forge(header, payload, Redacted.value(secret ?? Redacted.make("")))
        assert.strictEqual((yield* signer.verify("access", token)).tokenId, claims.tokenId)
      }
    }).pipe(Effect.provide(changed))
  )

  it.effect("a pair made before a change is made again as it was, by its fingerprint", () =>
    Effect.gen(function* () {
      const signer = yield* TokenSigner
      const before = yield* signed(previous)
      const again = yield* signer.sign("access", claims, signer.fingerprint(before))
      assert.strictEqual(Redacted.value(again), Redacted.value(before))
      const unknown = yield* signer.sign("access", claims, "0".repeat(64))
      assert.strictEqual(Redacted.value(unknown), Redacted.value(yield* signed(current)))
    }).pipe(Effect.provide(changed))
  )

  it.effect("a previous secret that is too short is refused", () =>
    Effect.gen(function* () {
      const weak = signerLayer({ secret: current ?? Redacted.make(""), previous: [Redacted.make("short")] })
      const error = yield* Effect.flip(Effect.provide(TokenSigner, weak))
      assert.strictEqual(error.bytes, 5)
    })
  )

  test("neither kind is taken for the other", (signer) =>
    Effect.gen(function* () {
      const access = yield* signer.sign("access", claims)
      const refresh = yield* signer.sign("refresh", claims)
      assert.strictEqual((yield* Effect.flip(signer.verify("refresh", access))).reason, "wrong_type")
      assert.strictEqual((yield* Effect.flip(signer.verify("access", refresh))).reason, "wrong_type")
    }))

  test("a token by another hand with the right secret and every claim is one of ours", (signer) =>
    Effect.asVoid(signer.verify("access", forge(header, payload))))

  const forgeries: ReadonlyArray<readonly [says: string, token: Redacted.Redacted<string>]> = [
    ["alg none, unsigned", Redacted.make(`${encode({ ...header, alg: "none" })}.${encode(payload)}.`)],
    ["alg none, signed", forge({ ...header, alg: "none" }, payload)],
    ["another HMAC", forge({ ...header, alg: "HS512" }, payload, secret, "sha512")],
    ["an asymmetric algorithm over the secret", forge({ ...header, alg: "RS256" }, payload)],
    ["a foreign secret", forge(header, payload, "another secret of at least 32 bytes!")],
    ["an empty secret", forge(header, payload, "")],
    ["a kid that names a path, foreign secret", forge({ ...header, kid: "../../dev/null" }, payload, "")],
    ["a jku, foreign secret", forge({ ...header, jku: "http://127.0.0.1/keys" }, payload, "x".repeat(32))],
    ["its own jwk", forge({ ...header, jwk: { kty: "oct", k: encode("x") } }, payload, "x".repeat(32))],
    ["a critical extension", forge({ ...header, crit: ["b64"], b64: false }, payload)],
    ["no typ", forge({ alg: "HS256" }, payload)],
    ["typ JWT", forge({ ...header, typ: "JWT" }, payload)],
    ["another issuer", forge(header, { ...payload, iss: "somebody" })],
    ["another audience", forge(header, { ...payload, aud: "somebody" })],
    ["an exp that is text", forge(header, { ...payload, exp: "2099-01-01" })],
    ["a sub that is no number", forge(header, { ...payload, sub: "seven" })],
    ["a sub that is not whole", forge(header, { ...payload, sub: "7.5" })],
    ["a username that is no text", forge(header, { ...payload, username: { toString: "bob" } })],
    ["an empty session", forge(header, { ...payload, sid: "" })],
    ["a payload that is a list", forge(header, [])],
    ["no text", Redacted.make("")],
    ["no token", Redacted.make("Bearer")],
    ["two dots", Redacted.make("..")],
    ["a token of five parts", Redacted.make("a.b.c.d.e")],
    ["a megabyte", Redacted.make("a".repeat(1_000_000))],
    ["half a surrogate pair", Redacted.make("\ud800.\ud800.\ud800")],
    ...["username", "full_name", "iss", "aud", "sub", "sid", "jti", "iat", "exp"].map(
      (claim) => [`no ${claim}`, forge(header, without(claim))] as const
    )
  ]

  for (const [says, token] of forgeries) {
    test(`is not fooled by ${says}`, (signer) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(signer.verify("access", token))
        assert.strictEqual(error._tag, "TokenRejected")
        assert.notStrictEqual(error.reason, "expired")
      }))
  }

  test("any change to a token ruins it", (signer) =>
    Effect.gen(function* () {
      const text = Redacted.value(yield* signer.sign("access", claims))
      // The last character of a signature has two bits that say nothing; a store sees the difference by the hash.
      for (let at = 0; at < text.length - 1; at++) {
        const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`
        assert.isTrue(Exit.isFailure(yield* Effect.exit(signer.verify("access", Redacted.make(changed)))), `${at}`)
      }
    }))

  test("a fingerprint is the SHA-256 of the token", (signer) =>
    Effect.sync(() =>
      assert.strictEqual(
        signer.fingerprint(Redacted.make("abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      )
    ))

  test("fresh ids never repeat", (signer) =>
    Effect.gen(function* () {
      const ids = yield* Effect.all(Array.from({ length: 1_000 }, () => signer.freshId))
      assert.strictEqual(new Set(ids).size, 1_000)
    }))

  it.effect("a secret under 32 bytes is refused, in bytes and not in characters", () =>
    Effect.gen(function* () {
      for (const text of ["", "x".repeat(31), "ö".repeat(15)]) {
        const error = yield* Effect.flip(built(text))
        assert.strictEqual(error._tag, "WeakSecret")
        assert.notInclude(error.message, "x".repeat(8))
      }
      yield* built("x".repeat(32))
      yield* built("ö".repeat(16))
    })
  )
})
