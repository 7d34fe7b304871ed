import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, Schedule, Scope } from "effect"
import { layer as people } from "../../../src/adapters/mysql/People.ts"
import type { PoolOptions } from "../../../src/adapters/mysql/PooledClient.ts"
import { SessionId } from "../../../src/domain/Account.ts"
import { SessionStore } from "../../../src/ports/SessionStore.ts"
import { Users } from "../../../src/ports/Users.ts"
import { MariaDb, noMariaDbProcess } from "../../servers/MariaDb.ts"
import { databaseOf } from "../../support/MariaDbs.ts"

/** Of these tests alone, since they stop it. */
let server: MariaDb
let directory: string
beforeAll(async () => {
  if (noMariaDbProcess !== undefined) return
  directory = mkdtempSync(join(tmpdir(), "parley-outage-"))
  server = await MariaDb.create(directory, process.pid)
})
afterAll(() => server?.remove(directory))
beforeEach((test) => test.skip(noMariaDbProcess !== undefined, noMariaDbProcess))

const frozen = Effect.acquireRelease(
  Effect.promise(() => server.freeze()),
  () => Effect.sync(() => server.thaw())
)

const bob = { username: "bobbob", fullName: "Bob Bobson", passwordHash: "a hash" }

/** A database of its own, and the stores on it. */
const opened = (options: Partial<PoolOptions> = {}) =>
  Effect.gen(function* () {
    const database = yield* databaseOf(server.address)
    const scope = yield* Effect.scope
    const stores = yield* Layer.buildWithScope(
      people({ ...database, connectTimeoutMillis: 400, deadlineMillis: 1_000, poolSize: 3, ...options }),
      scope
    )
    return { database, users: Context.get(stores, Users), sessions: Context.get(stores, SessionStore) }
  })

/** Tries again until it succeeds: how soon is not the point, that nothing was restarted is. */
const inTheEnd = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.retry(effect, { schedule: Schedule.spaced("50 millis"), times: 200 })

describe("while MySQL is away", () => {
  it.live("a stopped server makes the stores unavailable; when it is back, so are they, with what was stored", () =>
    Effect.gen(function* () {
      const { sessions, users } = yield* opened()
      const { userId } = yield* users.create(bob)
      yield* Effect.promise(() => server.kill())
      for (const call of [
        users.findByUsername("bobbob"),
        users.create({ ...bob, username: "eveeve" }),
        sessions.find(SessionId.make("one")),
        sessions.removeAllOf(userId)
      ]) {
        const error = yield* Effect.flip<unknown, { readonly _tag: string }, never>(call)
        assert.strictEqual(error._tag, "StoreUnavailable")
      }
      yield* Effect.promise(() => server.start())
      const found = yield* inTheEnd(users.findByUsername("bobbob"))
      assert.strictEqual(Option.getOrThrow(found).userId, userId)
    })
  )

  it.live("a frozen server fails every call by its deadline, more calls than connections too; thawed, it serves", () =>
    Effect.gen(function* () {
      const { users } = yield* opened()
      yield* users.create(bob)
      yield* frozen
      for (let round = 0; round < 2; round++) {
        const exits = yield* Effect.all(
          Array.from({ length: 10 }, () => Effect.flip(users.findByUsername("bobbob"))),
          { concurrency: "unbounded" }
        )
        for (const error of exits) assert.strictEqual(error._tag, "StoreUnavailable")
      }
      server.thaw()
      const all = yield* inTheEnd(
        Effect.all(
          Array.from({ length: 10 }, () => users.findByUsername("bobbob")),
          { concurrency: "unbounded" }
        )
      )
      assert.isTrue(all.every(Option.isSome))
    })
  )

  it.live("the connections that were left behind are closed: the server counts no more than the pool's", () =>
    Effect.gen(function* () {
      const { database, users } = yield* opened()
      for (let round = 0; round < 3; round++) {
        yield* Effect.scoped(Effect.andThen(frozen, Effect.flip(users.findByUsername("bobbob"))))
        yield* inTheEnd(users.findByUsername("bobbob"))
      }
      const connections = Effect.map(
        database.look("SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE DB = ?", [database.database]),
        ([row]) => Number(row?.["count"]) - 1
      )
      yield* inTheEnd(
        Effect.filterOrFail(
          connections,
          (count) => count >= 1 && count <= 3,
          (count) => new Error(`${count} connections`)
        )
      )
    })
  )

  it.live("what waits for a lock of somebody else's ends before the deadline, and was not carried out", () =>
    Effect.gen(function* () {
      const { database, users } = yield* opened({ deadlineMillis: 3_000 })
      const scope = yield* Scope.make()
      yield* Effect.forkIn(database.look("BEGIN; SELECT * FROM users FOR UPDATE; DO SLEEP(3)"), scope)
      yield* inTheEnd(
        Effect.filterOrFail(
          database.look("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'DO SLEEP(3)'"),
          (rows) => rows.length > 0,
          () => new Error("it does not sleep yet")
        )
      )
      const error = yield* Effect.flip(users.create(bob))
      assert.deepInclude(error, {
        _tag: "StoreUnavailable",
        detail: "create a user: LockTimeoutError (ER_LOCK_WAIT_TIMEOUT 1205)"
      })
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Option.isNone(yield* users.findByUsername("bobbob")))
    })
  )

  it.live("statements beyond those that may wait fail at once", () =>
    Effect.gen(function* () {
      const { users } = yield* opened({ poolSize: 1, poolWaiting: 2 })
      yield* users.create(bob)
      yield* frozen
      const details = yield* Effect.all(
        Array.from({ length: 5 }, () =>
          Effect.map(Effect.flip(users.findByUsername("bobbob")), ({ detail }) => detail)
        ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(details.filter((detail) => detail === "find a user: ConnectionError").length, 2)
      server.thaw()
      yield* inTheEnd(users.findByUsername("bobbob"))
    })
  )

  it.live("the stores can be closed while the server is frozen, calls under way or not", () =>
    Effect.gen(function* () {
      const database = yield* databaseOf(server.address)
      const scope = yield* Scope.make()
      const stores = yield* Layer.buildWithScope(people({ ...database, deadlineMillis: 1_000, poolSize: 3 }), scope)
      const users = Context.get(stores, Users)
      yield* users.create(bob)
      yield* frozen
      const call = yield* Effect.forkScoped(Effect.exit(users.findByUsername("bobbob")), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(call)))
    })
  )
})
