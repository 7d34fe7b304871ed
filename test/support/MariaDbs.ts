import { randomBytes } from "node:crypto"
import { Effect, Layer, Redacted } from "effect"
import * as Mysql from "mysql2/promise"
import type { MysqlOptions } from "../../src/adapters/mysql/MysqlOptions.ts"
import { layer as people } from "../../src/adapters/mysql/People.ts"
import { mariaDb } from "../servers/MariaDb.ts"
import type { MariaDbAddress } from "../servers/MariaDb.ts"

const connected = <A>(address: MariaDbAddress, use: (connection: Mysql.Connection) => Promise<A>, database?: string) =>
  Effect.promise(async () => {
    const { host, password, port, user } = address
    const connection = await Mysql.createConnection({
      host,
      password,
      port,
      user,
      multipleStatements: true,
      ...(database === undefined ? {} : { database })
    })
    try {
      return await use(connection)
    } finally {
      connection.destroy()
    }
  })

/** A database of a test's own, and its rows beside the adapter, as an operator sees them. */
export interface TestDatabase extends MysqlOptions {
  readonly look: (sql: string, values?: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Mysql.RowDataPacket>>
}

const databaseAt = (address: MariaDbAddress, name: string): TestDatabase => ({
  host: address.host,
  port: address.port,
  user: address.user,
  password: Redacted.make(address.password),
  database: name,
  look: (sql, values = []) =>
    connected(
      address,
      async (connection) => {
        const [rows] = await connection.query<Array<Mysql.RowDataPacket>>(sql, [...values])
        return rows
      },
      name
    )
})

/** An empty database, with the collation that servers gave it in the days of the original application; gone with its scope. */
export const databaseOf = (address: MariaDbAddress) =>
  Effect.acquireRelease(
    Effect.sync(() => `parley_test_${randomBytes(8).toString("hex")}`).pipe(
      Effect.tap((name) =>
        connected(address, (connection) =>
          connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
        )
      )
    ),
    (name) => connected(address, (connection) => connection.query(`DROP DATABASE IF EXISTS ${name}`))
  ).pipe(Effect.map((name) => databaseAt(address, name)))

/** The same on the server that all tests share. */
export const testDatabase = Effect.flatMap(
  Effect.promise(() => mariaDb()),
  databaseOf
)

/** Users and sessions in a database of their own. */
export const freshPeople = Layer.unwrap(Effect.map(testDatabase, (database) => people(database)))
