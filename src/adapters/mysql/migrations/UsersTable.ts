import { Effect } from "effect"
import { DatabaseUnusable } from "../DatabaseUnusable.ts"
import type { Migration, MigrationContext } from "../Migrations.ts"
import { columnsOf, engineOf, isUnique } from "./TableShape.ts"
import type { Column } from "./TableShape.ts"

const texts = [
  { name: "username", length: 20 },
  { name: "password", length: 255 },
  { name: "full_name", length: 100 }
]

/**
 * The original application's table `users`. One that is there keeps its users, their ids and their bcrypt hashes, and:
 *
 * - Names, once compared by a collation that takes `TESTUSER` for `testuser`, are compared exactly. Nothing can clash: what was
 *   unique to a looser collation is unique to a stricter one.
 * - What the original let be NULL (a password, a full name) becomes an empty text, which no password matches.
 * - Whoever the original had deleted (`deleted_at`) stays, so that nobody else gets the name, and cannot log in: the hash is put behind a `!`.
 */
export const usersTable: Migration = (context) => Effect.asVoid(takeOver(context))

const takeOver = (context: MigrationContext) =>
  Effect.gen(function* () {
    const { flavour, run } = context
    const exact = `CHARACTER SET utf8mb4 COLLATE ${flavour.exact}`
    yield* run(`CREATE TABLE IF NOT EXISTS users (
      id INT PRIMARY KEY AUTO_INCREMENT,
      username VARCHAR(20) NOT NULL,
      password VARCHAR(255) NOT NULL,
      full_name VARCHAR(100) NOT NULL,
      created_at TIMESTAMP NULL DEFAULT NULL,
      updated_at TIMESTAMP NULL DEFAULT NULL,
      UNIQUE KEY username (username)
    ) ENGINE=InnoDB DEFAULT ${exact}`)

    const columns = yield* columnsOf(context, "users")
    if ((yield* engineOf(context, "users")) !== "InnoDB") yield* run("ALTER TABLE users ENGINE=InnoDB")
    yield* run(
      "UPDATE users SET password = COALESCE(password, ''), full_name = COALESCE(full_name, '') WHERE password IS NULL OR full_name IS NULL"
    )
    if (columns.has("deleted_at")) {
      yield* run(
        `UPDATE users SET password = CONCAT('!', password) WHERE deleted_at IS NOT NULL AND password NOT LIKE '!%'`
      )
    }
    for (const { length, name } of texts) {
      const column = columns.get(name)
      if (column === undefined) return yield* missing(name)
      if (column.collation === flavour.exact && !column.nullable && (column.length ?? 0) >= length) continue
      const needed = yield* lengthOf(context, column, length)
      yield* run(`ALTER TABLE users MODIFY ${name} VARCHAR(${needed}) ${exact} NOT NULL`)
    }
    for (const name of ["created_at", "updated_at"]) {
      if (!columns.has(name)) yield* run(`ALTER TABLE users ADD COLUMN ${name} TIMESTAMP NULL DEFAULT NULL`)
    }
    if (yield* isUnique(context, "users", "username")) return undefined
    const [twice] = yield* run("SELECT username FROM users GROUP BY username HAVING COUNT(*) > 1 LIMIT 1")
    if (twice !== undefined)
      return yield* unusable(`two users are named ${JSON.stringify(twice["username"])}: rename one`)
    return yield* run("ALTER TABLE users ADD UNIQUE KEY username (username)")
  })

/** Never less than what is there takes: a VARCHAR keeps its length, a TEXT gets that of its longest value. */
const lengthOf = ({ run }: MigrationContext, column: Column, wanted: number) =>
  column.type.toLowerCase().startsWith("varchar")
    ? Effect.succeed(Math.max(wanted, column.length ?? 0))
    : Effect.map(run(`SELECT MAX(CHAR_LENGTH(${column.name})) AS longest FROM users`), ([row]) =>
        Math.max(wanted, Number(row?.["longest"] ?? 0))
      )

const missing = (column: string) => unusable(`it has no column ${column}: it is not the original application's`)

const unusable = (detail: string) =>
  Effect.fail(
    new DatabaseUnusable({
      variable: "DB_NAME",
      problem: "failed",
      detail: `the table users cannot be taken over: ${detail}`
    })
  )
