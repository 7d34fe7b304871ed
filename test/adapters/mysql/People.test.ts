import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { layer as people } from "../../../src/adapters/mysql/People.ts"
import { SessionId } from "../../../src/domain/Account.ts"
import { SessionStore } from "../../../src/ports/SessionStore.ts"
import { Users } from "../../../src/ports/Users.ts"
import { sessionStoreContract } from "../../contract/SessionStore.ts"
import { usersContract } from "../../contract/Users.ts"
import { noMariaDb } from "../../servers/MariaDb.ts"
import { freshPeople, testDatabase } from "../../support/MariaDbs.ts"

beforeEach((test) => test.skip(noMariaDb !== undefined, noMariaDb))

usersContract("MariaDB", freshPeople)
sessionStoreContract("MariaDB", freshPeople)

const bob = { username: "bobbob", fullName: "Bob Bobson", passwordHash: "a hash" }

/** MySQL has no time before a second past 1970: the test's clock is moved on. */
const inOurDays = TestClock.setTime(Date.UTC(2026, 0, 31, 9))

describe("people in MySQL", () => {
  it.effect("have their times in UTC, whatever the server's zone", () =>
    Effect.gen(function* () {
      yield* inOurDays
      const database = yield* testDatabase
      yield* Effect.gen(function* () {
        const { userId } = yield* (yield* Users).create(bob)
        const pair = {
          accessHash: "a".repeat(64),
          refreshHash: "b".repeat(64),
          accessId: "1",
          refreshId: "2",
          issuedAt: 0,
          accessExpiresAt: Date.UTC(2026, 0, 31, 9, 10),
          refreshExpiresAt: Date.UTC(2026, 6, 31, 9, 10)
        }
        yield* (yield* SessionStore).create({ sessionId: SessionId.make("one"), userId, pair })
      }).pipe(Effect.provide(people(database)))
      const [row] = yield* database.look(
        `SELECT UNIX_TIMESTAMP(token_expired) AS access, UNIX_TIMESTAMP(refresh_token_expired) AS refresh
          FROM user_sessions`
      )
      assert.strictEqual(Number(row?.["access"]) * 1_000, Date.UTC(2026, 0, 31, 9, 10))
      assert.strictEqual(Number(row?.["refresh"]) * 1_000, Date.UTC(2026, 6, 31, 9, 10))
    })
  )

  it.effect("are refused rather than cut where they are too long, whatever the server's mode", () =>
    Effect.gen(function* () {
      yield* inOurDays
      const users = yield* Users
      const error = yield* Effect.flip(users.create({ ...bob, fullName: "x".repeat(101) }))
      assert.deepInclude(error, {
        _tag: "StoreUnavailable",
        detail: "create a user: UnknownError (ER_DATA_TOO_LONG 1406)"
      })
      assert.isTrue(Option.isNone(yield* users.findByUsername("bobbob")))
    }).pipe(Effect.provide(freshPeople))
  )

  it.effect("of a user who is not there have no session, and no word of the driver's says so", () =>
    Effect.gen(function* () {
      yield* inOurDays
      const database = yield* testDatabase
      const error = yield* Effect.gen(function* () {
        const { userId } = yield* (yield* Users).create(bob)
        yield* database.look("DELETE FROM users")
        const pair = { accessHash: "hash-1", refreshHash: "hash-2", accessId: "1", refreshId: "2", issuedAt: 0 }
        const session = { ...pair, accessExpiresAt: 86_400_000, refreshExpiresAt: 86_400_000 }
        return yield* Effect.flip(
          (yield* SessionStore).create({ sessionId: SessionId.make("one"), userId, pair: session })
        )
      }).pipe(Effect.provide(people(database)))
      assert.strictEqual(error.detail, "create a session: ConstraintError (ER_NO_REFERENCED_ROW_2 1452)")
    })
  )
})
