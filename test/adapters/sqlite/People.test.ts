import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Scope } from "effect"
import { layer as people } from "../../../src/adapters/sqlite/People.ts"
import { SessionId } from "../../../src/domain/Account.ts"
import { SessionStore } from "../../../src/ports/SessionStore.ts"
import { Users } from "../../../src/ports/Users.ts"
import { sessionStoreContract } from "../../contract/SessionStore.ts"
import { usersContract } from "../../contract/Users.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

const fresh = Layer.unwrap(Effect.map(temporaryDirectory, (directory) => people({ directory })))

usersContract("SQLite", fresh)
sessionStoreContract("SQLite", fresh)

const bob = { username: "bobbob", fullName: "Bob Bobson", passwordHash: "a hash" }
const pair = {
  accessHash: "a".repeat(64),
  refreshHash: "b".repeat(64),
  accessId: "1",
  refreshId: "2",
  issuedAt: 0,
  accessExpiresAt: 1_000,
  refreshExpiresAt: 2_000
}

/** Opens the file beside the adapter, as an operator's tool would. */
const look = <A>(directory: string, read: (database: DatabaseSync) => A) =>
  Effect.sync(() => {
    const database = new DatabaseSync(join(directory, "people.db"))
    try {
      return read(database)
    } finally {
      database.close()
    }
  })

const open = (directory: string) =>
  Effect.flatMap(Effect.scope, (scope) => Layer.buildWithScope(people({ directory }), scope))

const opened = <A, E>(directory: string, use: Effect.Effect<A, E, Users | SessionStore>) =>
  use.pipe(Effect.provide(people({ directory })))

describe("people.db", () => {
  it.effect("keeps users and sessions when it is closed and opened again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const sessionId = SessionId.make("one")
      const created = yield* opened(
        directory,
        Effect.gen(function* () {
          const profile = yield* (yield* Users).create(bob)
          yield* (yield* SessionStore).create({ sessionId, userId: profile.userId, pair })
          return profile
        })
      )
      const [user, session] = yield* opened(
        directory,
        Effect.gen(function* () {
          return [yield* (yield* Users).findByUsername("bobbob"), yield* (yield* SessionStore).find(sessionId)] as const
        })
      )
      assert.deepStrictEqual(Option.getOrThrow(user), { ...created, passwordHash: "a hash" })
      assert.deepStrictEqual(Option.getOrThrow(session).pair, pair)
    })
  )

  it.effect("has the original application's tables, with indexes on both token columns and a foreign key", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* open(directory)
      const columns = (table: string) =>
        look(directory, (database) =>
          database
            .prepare(`PRAGMA table_info(${table})`)
            .all()
            .map((row) => row["name"])
        )
      assert.deepStrictEqual(yield* columns("users"), [
        "id",
        "username",
        "password",
        "full_name",
        "created_at",
        "updated_at"
      ])
      assert.includeMembers(yield* columns("user_sessions"), [
        "id",
        "user_id",
        "token",
        "refresh_token",
        "token_expired",
        "refresh_token_expired",
        "created_at",
        "updated_at"
      ])
      const plans = yield* look(directory, (database) =>
        ["token", "refresh_token", "session_id", "user_id", "refresh_token_expired"].map((column) =>
          String(
            database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM user_sessions WHERE ${column} = '1'`).get()?.["detail"]
          )
        )
      )
      for (const plan of plans) assert.include(plan, "USING INDEX")
      const orphan = yield* look(directory, (database) =>
        database.prepare("PRAGMA foreign_key_list(user_sessions)").get()
      )
      assert.strictEqual(orphan?.["table"], "users")
    })
  )

  it.effect("a session of a user that does not exist is refused without a word of the driver's", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const error = yield* opened(
        directory,
        Effect.gen(function* () {
          const users = yield* Users
          const profile = yield* users.create(bob)
          const store = yield* SessionStore
          yield* look(directory, (database) => database.exec("DELETE FROM users"))
          return yield* Effect.flip(store.create({ sessionId: SessionId.make("one"), userId: profile.userId, pair }))
        })
      )
      assert.strictEqual(error._tag, "StoreUnavailable")
      assert.strictEqual(error.store, "sessions")
      assert.match(error.detail, /^create a session: ConstraintError \(/)
      assert.notMatch(error.detail, /FOREIGN|constraint failed|INSERT|aaaa/)
    })
  )

  it.effect("a table that is gone makes every method answer StoreUnavailable", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const context = yield* open(directory)
      yield* look(directory, (database) => database.exec("DROP TABLE user_sessions; DROP TABLE users"))
      yield* Effect.gen(function* () {
        const users = yield* Users
        const store = yield* SessionStore
        const profile = yield* Effect.flip(users.create(bob))
        const sessionId = SessionId.make("one")
        const errors = [
          profile,
          yield* Effect.flip(users.findByUsername("bobbob")),
          yield* Effect.flip(store.find(sessionId)),
          yield* Effect.flip(store.rotate({ sessionId, from: pair.refreshHash, pair, at: 0 })),
          yield* Effect.flip(store.markUsed({ sessionId, accessHash: pair.accessHash, at: 0 })),
          yield* Effect.flip(store.remove(sessionId)),
          yield* Effect.flip(store.removeExpired(0, 1))
        ]
        assert.deepStrictEqual(
          errors.map((error) => error._tag),
          errors.map(() => "StoreUnavailable")
        )
      }).pipe(Effect.provideContext(context))
    })
  )

  it.effect("two openings of one file agree: of 100 refreshes through both one wins", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const sessionId = SessionId.make("one")
      const contexts = [yield* open(directory), yield* open(directory)]
      const rotateThrough = (turn: number) =>
        Effect.gen(function* () {
          const store = yield* SessionStore
          const next = { ...pair, accessHash: `a${turn}`, refreshHash: `r${turn}` }
          return yield* store.rotate({ sessionId, from: pair.refreshHash, pair: next, at: 0 })
        })
      for (const context of contexts.slice(0, 1)) {
        yield* Effect.gen(function* () {
          const profile = yield* (yield* Users).create(bob)
          yield* (yield* SessionStore).create({ sessionId, userId: profile.userId, pair })
        }).pipe(Effect.provideContext(context))
      }
      const won = yield* Effect.all(
        Array.from({ length: 50 }, (_, turn) =>
          contexts.map((context, which) => rotateThrough(2 * turn + which).pipe(Effect.provideContext(context)))
        ).flat(),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(won.filter(Boolean).length, 1)
    })
  )

  it.effect("its file belongs to its owner alone, and is in WAL mode", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "deep", "data")
      yield* open(directory)
      for (const file of readdirSync(directory)) {
        assert.strictEqual(statSync(join(directory, file)).mode & 0o077, 0, file)
      }
      const mode = yield* look(directory, (database) => database.prepare("PRAGMA journal_mode").get())
      assert.strictEqual(mode?.["journal_mode"], "wal")
    })
  )
})

const refused = (directory: string) =>
  Effect.map(Effect.flip(Effect.scoped(open(directory))), (error) => {
    assert.strictEqual(error._tag, "DatabaseUnusable")
    assert.include(error.message, join(directory, "people.db"))
    assert.notInclude(error.message, "\n")
    return error.problem
  })

describe("a people.db that cannot be used", () => {
  it.effect("is corrupt when it holds something else", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(join(directory, "people.db"), "this is a shopping list. ".repeat(1_000))
      assert.strictEqual(yield* refused(directory), "corrupt")
      assert.include(readFileSync(join(directory, "people.db"), "utf8"), "shopping list")
    })
  )

  it.effect("is corrupt when its pages are damaged", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.scoped(open(directory))
      const file = join(directory, "people.db")
      const bytes = readFileSync(file)
      bytes.fill(0x5a, 4_096)
      writeFileSync(file, bytes)
      assert.strictEqual(yield* refused(directory), "corrupt")
    })
  )

  it.effect("is newer when a later release migrated it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.scoped(open(directory))
      yield* look(directory, (database) =>
        database.exec("INSERT INTO parley_migrations (migration_id, name) VALUES (99, 'from_the_future')")
      )
      assert.strictEqual(yield* refused(directory), "newer")
    })
  )

  it.effect("is unwritable when it is a directory, or lies below a file", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      mkdirSync(join(directory, "people.db"))
      assert.strictEqual(yield* refused(directory), "unwritable")
      writeFileSync(join(directory, "file"), "")
      assert.strictEqual(yield* refused(join(directory, "file")), "unwritable")
    })
  )

  it.effect("is busy when another process holds it locked", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.scoped(open(directory))
      const scope = yield* Scope.make()
      const holder = new DatabaseSync(join(directory, "people.db"))
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => holder.close())
      )
      holder.exec("BEGIN IMMEDIATE")
      assert.strictEqual(yield* refused(directory), "busy")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* Effect.scoped(open(directory))
    })
  )
})
