import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Option, Redacted } from "effect"
import type { LogLevel } from "effect"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import { layer as memoryStore } from "../../src/adapters/memory/SessionStore.ts"
import { layer as memoryUsers } from "../../src/adapters/memory/Users.ts"
import { Auth } from "../../src/domain/Auth.ts"
import type { AuthOptions } from "../../src/domain/Auth.ts"
import { Sessions } from "../../src/domain/Sessions.ts"
import { PasswordHasher } from "../../src/ports/PasswordHasher.ts"
import { SessionSignals } from "../../src/ports/SessionSignals.ts"
import { Users } from "../../src/ports/Users.ts"
import { Heard, accounts, testuser } from "../support/Accounts.ts"

type Services = Layer.Success<ReturnType<typeof accounts>>

const test = (says: string, run: Effect.Effect<void, unknown, Services>, options?: AuthOptions) =>
  it.effect(says, () => run.pipe(Effect.provide(accounts(options))))

const credentials = { ...testuser, ip: "192.0.2.1" }
const wrong = { ...credentials, password: Redacted.make("wrong password") }

/** How a login ended: a name or an error's tag. */
const login = (shown: typeof credentials) =>
  Effect.flatMap(Auth, (auth) => auth.login(shown)).pipe(
    Effect.match({ onSuccess: ({ profile }) => profile.username, onFailure: (error) => error._tag })
  )

describe("a registration", () => {
  test(
    "opens an account that can log in, and keeps a hash of the password",
    Effect.gen(function* () {
      const profile = yield* (yield* Auth).register(testuser)
      assert.deepInclude(profile, { username: "testuser", fullName: "Test User" })
      const { passwordHash } = Option.getOrThrow(yield* (yield* Users).findByUsername("testuser"))
      assert.match(passwordHash, /^\$2b\$/)
      const entered = yield* (yield* Auth).login(credentials)
      assert.deepStrictEqual(entered.profile, profile)
      assert.deepStrictEqual(Object.keys(entered.profile).toSorted(), ["fullName", "userId", "username"])
    })
  )

  test(
    "believes nothing but the three fields",
    Effect.gen(function* () {
      const smuggled = { ...testuser, id: 99, userId: 99, created_at: "1999-01-01", passwordHash: "known" }
      const profile = yield* (yield* Auth).register(smuggled)
      assert.notStrictEqual(Number(profile.userId), 99)
      assert.strictEqual(yield* login(credentials), "testuser")
    })
  )

  test(
    "has told that the name is claimed, once the account is there",
    Effect.gen(function* () {
      const users = yield* Users
      const there: Array<boolean> = []
      yield* (yield* SessionSignals).subscribe((signal) => {
        if (signal._tag !== "NameClaimed") return
        there.push(Option.isSome(Effect.runSync(users.findByUsername(signal.username).pipe(Effect.orDie))))
      })
      yield* (yield* Auth).register(testuser)
      assert.deepStrictEqual(there, [true])
      assert.deepStrictEqual(yield* Heard, [{ _tag: "NameClaimed", username: "testuser" }])
    }).pipe(Effect.scoped)
  )

  test(
    "of a taken or reserved name is refused and claims nothing",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      for (const username of ["testuser", "system", "5ystem", "sуstem", "sys tem", "SYSTEM"]) {
        const error = yield* Effect.flip(auth.register({ ...testuser, username }))
        assert.deepInclude(error, { _tag: "UsernameTaken", username })
      }
      assert.strictEqual((yield* Heard).length, 1)
    })
  )

  test(
    "of 30 racing ones of a name succeeds once",
    Effect.gen(function* () {
      const auth = yield* Auth
      const exits = yield* Effect.all(
        Array.from({ length: 30 }, () => Effect.exit(auth.register(testuser))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      assert.strictEqual((yield* Heard).length, 1)
    })
  )

  test(
    "of a name in capitals is another account",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      assert.strictEqual(yield* login({ ...credentials, username: "TESTUSER" }), "InvalidCredentials")
      yield* auth.register({ ...testuser, username: "TESTUSER" })
      assert.strictEqual(yield* login({ ...credentials, username: "TESTUSER" }), "TESTUSER")
    })
  )
})

describe("a login", () => {
  test(
    "of an unknown user and one with a wrong password are told the same",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      const mistaken = yield* Effect.flip(auth.login(wrong))
      const unknown = yield* Effect.flip(auth.login({ ...wrong, username: "nobody" }))
      assert.deepStrictEqual(JSON.stringify(unknown), JSON.stringify(mistaken))
      assert.strictEqual(unknown._tag, "InvalidCredentials")
    })
  )

  it.effect("of an unknown user costs one verification of a real hash, as a wrong password does", () =>
    Effect.gen(function* () {
      const verified: Array<string> = []
      const counting = Layer.succeed(PasswordHasher, {
        dummyHash: "the dummy hash",
        hash: () => Effect.succeed("the user's hash"),
        verify: (_password, hash) =>
          Effect.sync(() => {
            verified.push(hash)
            // Even where the dummy's password were guessed nobody gets in.
            return hash === "the dummy hash"
          })
      })
      yield* Effect.gen(function* () {
        yield* (yield* Auth).register(testuser)
        assert.strictEqual(yield* login(wrong), "InvalidCredentials")
        assert.strictEqual(yield* login({ ...wrong, username: "nobody" }), "InvalidCredentials")
      }).pipe(Effect.provide(Auth.layer().pipe(Layer.provide(counting), Layer.provide(accounts()))))
      assert.deepStrictEqual(verified, ["the user's hash", "the dummy hash"])
    })
  )

  test(
    "is tried five times a minute at one account from one address, whatever the answer",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      for (let turn = 0; turn < 4; turn++) assert.strictEqual(yield* login(wrong), "InvalidCredentials")
      assert.strictEqual(yield* login(credentials), "testuser")
      const error = yield* Effect.flip(auth.login(credentials))
      assert.deepInclude(error, { _tag: "TooManyLogins", retryAfterMs: 60_000 })
      assert.strictEqual(yield* login({ ...credentials, ip: "192.0.2.2" }), "testuser")
      assert.strictEqual(yield* login({ ...wrong, username: "nobody" }), "InvalidCredentials")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* login(credentials), "testuser")
    })
  )

  test(
    "is limited for unknown users too",
    Effect.gen(function* () {
      const nobody = { ...wrong, username: "nobody" }
      for (let turn = 0; turn < 5; turn++) assert.strictEqual(yield* login(nobody), "InvalidCredentials")
      assert.strictEqual(yield* login(nobody), "TooManyLogins")
    })
  )

  test(
    "has no limit where it is 0",
    Effect.gen(function* () {
      yield* (yield* Auth).register(testuser)
      for (let turn = 0; turn < 20; turn++) assert.strictEqual(yield* login(credentials), "testuser")
    }),
    { loginsPerMinute: 0 }
  )

  test(
    "takes hostile input for what it is: nobody",
    Effect.gen(function* () {
      yield* (yield* Auth).register(testuser)
      const names = ["", "__proto__", "constructor", "\ud800", "testuser\0", "x".repeat(100_000), "' OR 1=1 --"]
      for (const username of names) assert.strictEqual(yield* login({ ...credentials, username }), "InvalidCredentials")
      const passwords = ["", "\ud800", "x".repeat(100_000), "password123\0", "password123".padEnd(73)]
      for (const [turn, password] of passwords.entries()) {
        const shown = { ...credentials, ip: `192.0.2.${turn}`, password: Redacted.make(password) }
        assert.strictEqual(yield* login(shown), "InvalidCredentials")
      }
    })
  )
})

const changed = Redacted.make("another password")

describe("a change of the password", () => {
  const principalOf = (ip: string) =>
    Effect.gen(function* () {
      const { tokens } = yield* (yield* Auth).login({ ...credentials, ip })
      return { principal: yield* (yield* Sessions).authenticate(tokens.accessToken), tokens }
    })

  test(
    "lets the new one in and the old one no more, ends every other session and keeps the one that asks",
    Effect.gen(function* () {
      const auth = yield* Auth
      const sessions = yield* Sessions
      yield* auth.register(testuser)
      const other = yield* principalOf("192.0.2.2")
      const mine = yield* principalOf("192.0.2.3")
      const change = { principal: mine.principal, current: testuser.password, next: changed, ip: "192.0.2.3" }
      yield* auth.changePassword(change)
      assert.deepStrictEqual(
        (yield* Heard).filter((signal) => signal._tag === "SessionEnded"),
        [{ _tag: "SessionEnded", sessionId: other.principal.sessionId, reason: "revoked" }]
      )
      assert.strictEqual((yield* Effect.flip(sessions.refresh(other.tokens.refreshToken)))._tag, "InvalidToken")
      yield* sessions.refresh(mine.tokens.refreshToken)
      assert.strictEqual(yield* login(credentials), "InvalidCredentials")
      assert.strictEqual(yield* login({ ...credentials, password: changed }), "testuser")
    })
  )

  test(
    "that is asked again since its reply was lost is the same change",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      const { principal } = yield* principalOf("192.0.2.2")
      const change = { principal, current: testuser.password, next: changed, ip: "192.0.2.2" }
      yield* auth.changePassword(change)
      yield* auth.changePassword(change)
      assert.strictEqual(yield* login({ ...credentials, password: changed }), "testuser")
    })
  )

  test(
    "needs the current one, counts as a login, and changes nothing where it is wrong",
    Effect.gen(function* () {
      const auth = yield* Auth
      yield* auth.register(testuser)
      const { principal } = yield* principalOf("192.0.2.2")
      const change = { principal, current: wrong.password, next: changed, ip: "192.0.2.2" }
      for (let turn = 0; turn < 4; turn++) {
        assert.strictEqual((yield* Effect.flip(auth.changePassword(change)))._tag, "WrongPassword")
      }
      assert.strictEqual((yield* Effect.flip(auth.changePassword(change)))._tag, "TooManyLogins")
      assert.strictEqual(yield* login(credentials), "testuser")
      assert.deepStrictEqual(
        (yield* Heard).filter((signal) => signal._tag === "SessionEnded"),
        []
      )
    })
  )

  it.effect("leaves no session to a login that brought the old one meanwhile", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const users = yield* Users
      yield* auth.register(testuser)
      // The password is changed between the check of the old one and the opening of its session.
      const meanwhile = Layer.effect(
        PasswordHasher,
        Effect.map(PasswordHasher, (hasher) => ({
          ...hasher,
          verify: (password: Redacted.Redacted<string>, from: string) =>
            Effect.gen(function* () {
              const matches = yield* hasher.verify(password, from)
              const { userId } = Option.getOrThrow(yield* users.findByUsername("testuser"))
              yield* users.replacePasswordHash({ userId, from, to: "new" })
              return matches
            }).pipe(Effect.catchTag("StoreUnavailable", Effect.die))
        }))
      )
      const tag = yield* login(credentials).pipe(Effect.provide(Auth.layer().pipe(Layer.provide(meanwhile))))
      assert.strictEqual(tag, "InvalidCredentials")
      const { userId } = Option.getOrThrow(yield* users.findByUsername("testuser"))
      assert.strictEqual(yield* (yield* Sessions).endAll(userId), 0)
    }).pipe(Effect.provide(accounts()))
  )
})

describe("the log", () => {
  it.effect("of a whole life of an account names no token, password or hash", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const recorder = Logger.make((options) => {
        lines.push(`${Logger.formatJson.log(options)} ${Logger.formatLogFmt.log(options)}`)
      })
      const secrets: Array<string> = ["password123", "wrong password"]
      const remember = (...tokens: ReadonlyArray<Redacted.Redacted<string>>) => {
        for (const token of tokens) secrets.push(...Redacted.value(token).split("."))
      }
      const everything: LogLevel.LogLevel = "All"
      yield* Effect.gen(function* () {
        const auth = yield* Auth
        const sessions = yield* Sessions
        yield* Effect.log(yield* auth.register(testuser))
        yield* Effect.log("failed", yield* Effect.flip(auth.login(wrong)))
        const { tokens } = yield* auth.login(credentials)
        yield* Effect.log("a careless line", tokens)
        const pair = yield* sessions.refresh(tokens.refreshToken)
        remember(tokens.accessToken, tokens.refreshToken, pair.accessToken, pair.refreshToken)
        const principal = yield* sessions.authenticate(pair.accessToken)
        yield* Effect.log("failed", yield* Effect.flip(sessions.refresh(tokens.refreshToken)))
        yield* Effect.log("failed", yield* Effect.flip(sessions.authenticate(Redacted.make("secret.nonsense.token"))))
        yield* sessions.end(principal)
        const user = Option.getOrThrow(yield* (yield* Users).findByUsername("testuser"))
        secrets.push(user.passwordHash)
      }).pipe(
        Effect.provide(accounts({}, Layer.merge(memoryUsers, memoryStore))),
        Effect.provide(Logger.layer([recorder])),
        Effect.provideService(References.MinimumLogLevel, everything)
      )
      const log = lines.join("\n")
      assert.include(log, "replayed")
      // The header of every token is the same and no secret.
      for (const secret of secrets.filter((part) => !part.startsWith("eyJhbGci"))) assert.notInclude(log, secret)
      assert.notInclude(log, "nonsense")
    })
  )
})
