import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { layer as passwordHasher } from "../../../src/adapters/crypto/PasswordHasher.ts"
import { ConnectionFault, dedicatedConnection } from "../../../src/adapters/mysql/DedicatedConnection.ts"
import type { DedicatedConnection } from "../../../src/adapters/mysql/DedicatedConnection.ts"
import { flavourOf, serverVersion } from "../../../src/adapters/mysql/Flavour.ts"
import { lockName } from "../../../src/adapters/mysql/LockName.ts"
import { migrate } from "../../../src/adapters/mysql/Migrations.ts"
import { layer as people, prepareDatabase } from "../../../src/adapters/mysql/People.ts"
import { PasswordHasher } from "../../../src/ports/PasswordHasher.ts"
import { Users } from "../../../src/ports/Users.ts"
import { noMariaDb } from "../../servers/MariaDb.ts"
import { testDatabase } from "../../support/MariaDbs.ts"
import type { TestDatabase } from "../../support/MariaDbs.ts"

beforeEach((test) => test.skip(noMariaDb !== undefined, noMariaDb))

const dump = readFileSync(join(import.meta.dirname, "../../fixtures/go-chat-app.sql"), "utf8")

/** As the original application's documentation has it. */
const documented = `
  CREATE TABLE users (
    id INT PRIMARY KEY AUTO_INCREMENT, username VARCHAR(20) UNIQUE NOT NULL, password VARCHAR(255) NOT NULL,
    full_name VARCHAR(100) NOT NULL, created_at TIMESTAMP, updated_at TIMESTAMP
  );
  CREATE TABLE user_sessions (
    id INT PRIMARY KEY AUTO_INCREMENT, user_id INT NOT NULL, token VARCHAR(255) NOT NULL,
    refresh_token VARCHAR(255) NOT NULL, token_expired TIMESTAMP NOT NULL,
    refresh_token_expired TIMESTAMP NOT NULL DEFAULT '2025-01-01', created_at TIMESTAMP, updated_at TIMESTAMP,
    FOREIGN KEY (user_id) REFERENCES users(id)
  );
  INSERT INTO users (id, username, password, full_name) VALUES (5, 'testuser', 'a hash', 'Test User');
  INSERT INTO user_sessions (user_id, token, refresh_token, token_expired) VALUES (5, 'plain', 'text', '2025-01-01');
`

const original = (sql: string) => Effect.tap(testDatabase, (database) => database.look(sql))

const withUsers = <A, E>(database: TestDatabase, use: (users: typeof Users.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(Users, use).pipe(Effect.provide(people(database)))

/** Whether this name and password get in. */
const logsIn = (database: TestDatabase, username: string, password: string) =>
  Effect.gen(function* () {
    const hasher = yield* PasswordHasher
    const user = yield* withUsers(database, (users) => users.findByUsername(username))
    return Option.isSome(user) && (yield* hasher.verify(Redacted.make(password), user.value.passwordHash))
  }).pipe(Effect.provide(passwordHasher()))

/** The tables without what counts up, and the users. */
const stateOf = (database: TestDatabase) =>
  Effect.gen(function* () {
    const tables = yield* Effect.forEach(["users", "user_sessions", "parley_migrations"], (table) =>
      Effect.map(database.look(`SHOW CREATE TABLE ${table}`), ([row]) =>
        String(row?.["Create Table"]).replace(/ AUTO_INCREMENT=\d+/, "")
      )
    )
    const users = yield* database.look("SELECT id, username, password, full_name FROM users ORDER BY id")
    const versions = yield* database.look("SELECT version, name FROM parley_migrations ORDER BY version")
    return { tables, users: users.map((row) => ({ ...row })), versions: versions.map((row) => ({ ...row })) }
  })

describe("the original application's database", () => {
  it.effect("is taken over with its users: they keep their ids and log in with their passwords", () =>
    Effect.gen(function* () {
      const database = yield* original(dump)
      assert.isTrue(yield* logsIn(database, "testuser", "password123"))
      assert.isTrue(yield* logsIn(database, "RobertPaulson", "correct horse"))
      assert.isTrue(yield* logsIn(database, "schlüsselkind", "schlüssel"))
      assert.isFalse(yield* logsIn(database, "testuser", "password124"))
      const users = yield* database.look("SELECT id, full_name FROM users ORDER BY id")
      assert.deepStrictEqual(
        users.map((row) => [row["id"], row["full_name"]]),
        [
          [1, "Test User"],
          [7, ""],
          [8, "Schlüssel Kind 👋"],
          [42, "Gone User"]
        ]
      )
    })
  )

  it.effect("compares names exactly from then on, and gives new users new ids", () =>
    Effect.gen(function* () {
      const database = yield* original(dump)
      yield* withUsers(database, (users) =>
        Effect.gen(function* () {
          for (const name of ["TESTUSER", "testuser ", "téstuser", "robertpaulson"]) {
            assert.isTrue(Option.isNone(yield* users.findByUsername(name)), name)
            const created = yield* users.create({ username: name, fullName: "Somebody Else", passwordHash: "-" })
            assert.isAbove(created.userId, 42)
          }
          const twice = yield* Effect.flip(
            users.create({ username: "testuser", fullName: "Somebody Else", passwordHash: "-" })
          )
          assert.strictEqual(twice._tag, "UsernameTaken")
        })
      )
    })
  )

  it.effect("keeps the names of deleted users, who cannot log in", () =>
    Effect.gen(function* () {
      const database = yield* original(dump)
      assert.isFalse(yield* logsIn(database, "goneuser", "deleted-user"))
      const taken = yield* withUsers(database, (users) =>
        Effect.flip(users.create({ username: "goneuser", fullName: "Somebody Else", passwordHash: "-" }))
      )
      assert.strictEqual(taken._tag, "UsernameTaken")
    })
  )

  it.effect("is taken over as its documentation describes it, too", () =>
    Effect.gen(function* () {
      const database = yield* original(documented)
      yield* prepareDatabase(database)
      const { users } = yield* stateOf(database)
      assert.deepStrictEqual<ReadonlyArray<object>>(users, [
        { id: 5, username: "testuser", password: "a hash", full_name: "Test User" }
      ])
      assert.deepStrictEqual(yield* database.look("SELECT * FROM user_sessions"), [])
    })
  )

  it.effect("ends its sessions, and gets indexes on both token columns and the foreign key", () =>
    Effect.gen(function* () {
      const database = yield* original(dump)
      yield* prepareDatabase(database)
      assert.deepStrictEqual(yield* database.look("SELECT * FROM user_sessions"), [])
      const indexed = yield* database.look(
        `SELECT COLUMN_NAME AS name, NON_UNIQUE AS loose FROM information_schema.STATISTICS
          WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'user_sessions' AND SEQ_IN_INDEX = 1`
      )
      const unique = indexed.filter((row) => Number(row["loose"]) === 0).map((row) => row["name"])
      assert.includeMembers(unique, ["token", "refresh_token", "session_id"])
      assert.includeMembers(
        indexed.map((row) => row["name"]),
        ["user_id", "refresh_token_expired"]
      )
      const [key] = yield* database.look(
        `SELECT REFERENCED_TABLE_NAME AS parent FROM information_schema.REFERENTIAL_CONSTRAINTS
          WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = 'user_sessions'`
      )
      assert.strictEqual(key?.["parent"], "users")
    })
  )

  it.effect("comes out the same when the take-over is cut off after any of its statements and run again", () =>
    Effect.gen(function* () {
      const whole = yield* original(dump)
      yield* prepareDatabase(whole)
      const expected = yield* stateOf(whole)
      let cutOffs = 0
      for (let statements = 1; ; statements++) {
        const database = yield* original(dump)
        const exit = yield* cutOff(database, statements)
        if (exit) break
        cutOffs++
        yield* prepareDatabase(database)
        assert.deepStrictEqual(yield* stateOf(database), expected, `cut off after ${statements} statements`)
      }
      assert.isAbove(cutOffs, 12)
    }).pipe(Effect.scoped)
  )

  it.effect("is left alone where two users have one name, and the name is told", () =>
    Effect.gen(function* () {
      const database = yield* original(`${dump} ALTER TABLE users DROP INDEX uni_users_username;
        INSERT INTO users (username, password) VALUES ('testuser', 'x')`)
      const error = yield* Effect.flip(prepareDatabase(database))
      assert.strictEqual(
        error.message,
        'DB_NAME: the table users cannot be taken over: two users are named "testuser": rename one'
      )
    })
  )
})

/** Migrates until so many statements were carried out, and loses the connection. True: there were fewer. */
const cutOff = (database: TestDatabase, statements: number) =>
  Effect.gen(function* () {
    const connection = yield* dedicatedConnection(database)
    const flavour = yield* flavourOf(yield* serverVersion(connection), "here")
    let left = statements
    const query: DedicatedConnection["query"] = (sql, values, deadline) =>
      connection
        .query(sql, values, deadline)
        .pipe(
          Effect.flatMap((rows) =>
            --left > 0 ? Effect.succeed(rows) : Effect.fail(new ConnectionFault(new Error("cut off")))
          )
        )
    return yield* migrate({ query }, flavour, database.database).pipe(
      Effect.as(true),
      Effect.catchTag("ConnectionFault", () => Effect.succeed(false))
    )
  }).pipe(Effect.scoped)

describe("the tables' versions", () => {
  it.effect("are reached once, however many processes start at once", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const runs = yield* Effect.all(
        Array.from({ length: 5 }, () => prepareDatabase(database)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(runs.flat().toSorted(), ["user_sessions", "users"])
      assert.deepStrictEqual(yield* prepareDatabase(database), [])
    })
  )

  it.effect("are not touched while another process is at it: it is waited for, then given up", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const other = yield* dedicatedConnection(database)
      yield* other.query("DO GET_LOCK(?, 0)", [lockName("migrations", database.database)])
      const connection = yield* dedicatedConnection(database)
      const flavour = yield* flavourOf(yield* serverVersion(connection), "here")
      const error = yield* Effect.flip(migrate(connection, flavour, database.database, 1))
      assert.match(error.message, /^DB_NAME: another process has been changing the tables of "\w+" for 1 seconds$/)
      assert.deepStrictEqual(yield* database.look("SHOW TABLES"), [])
    })
  )

  it.effect("of a later release are refused", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      yield* prepareDatabase(database)
      yield* database.look("INSERT INTO parley_migrations (version, name) VALUES (99, 'from_the_future')")
      const error = yield* Effect.flip(prepareDatabase(database))
      assert.strictEqual(error.problem, "newer")
      assert.match(
        error.message,
        /^DB_NAME: the tables of "parley_test_\w+" have version 99, this release knows up to 2$/
      )
    })
  )
})
