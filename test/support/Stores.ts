import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { MongoClient } from "mongodb"
import * as Mysql from "mysql2/promise"
import { describe, it } from "vitest"
import { onMongoDb } from "../servers/FerretDb.ts"
import { mariaDb, noMariaDb } from "../servers/MariaDb.ts"
import type { MariaDbAddress } from "../servers/MariaDb.ts"

type Row = Readonly<Record<string, unknown>>

/** What one server process, or several, keep everything in; empty at first. */
export interface OwnStores {
  readonly env: Readonly<Record<string, string>>
  /** The tables of users and sessions, as an operator sees them. */
  readonly people: (sql: string) => Promise<ReadonlyArray<Row>>
  readonly remove: () => Promise<void>
}

/** What a server can be configured to keep everything in. */
export interface Stores {
  readonly name: string
  readonly isEmbedded: boolean
  /** How a query is asked for its plan. */
  readonly explain: string
  /** `directory` is the server's own. */
  readonly make: (directory: string) => Promise<OwnStores>
}

/** SQLite files in the server's directory: what nobody has to configure. */
export const embedded: Stores = {
  name: "SQLite",
  isEmbedded: true,
  explain: "explain query plan",
  make: (directory) =>
    Promise.resolve({
      env: {},
      people: async (sql) => {
        const database = new DatabaseSync(join(directory, "data", "people.db"))
        try {
          return database.prepare(sql).all()
        } finally {
          database.close()
        }
      },
      remove: () => Promise.resolve()
    })
}

/** The same server and credentials, another database. */
const withDatabase = (uri: string, name: string): string => {
  const [, server = "", query = ""] = /^([^:]+:\/\/[^/?]+)[^?]*(\?.*)?$/.exec(uri) ?? []
  // Without it the user is looked for in the database that the path names.
  const source = server.includes("@") && !query.includes("authSource=") ? "authSource=admin" : ""
  const all = [query.replace(/^\?/, ""), source].filter((part) => part !== "").join("&")
  return `${server}/${name}${all === "" ? "" : `?${all}`}`
}

/** Databases of their own on these servers. */
export const databasesOn = async (mysql: MariaDbAddress, mongoUri: string): Promise<OwnStores> => {
  const name = `parley_test_${randomBytes(8).toString("hex")}`
  const { host, password, port, user } = mysql
  const query = async (sql: string, database?: string): Promise<ReadonlyArray<Row>> => {
    const address = { host, password, port, user }
    const connection = await Mysql.createConnection(database === undefined ? address : { ...address, database })
    try {
      const [rows] = await connection.query<Array<Mysql.RowDataPacket>>(sql)
      return rows
    } finally {
      connection.destroy()
    }
  }
  await query(`CREATE DATABASE ${name}`)
  return {
    env: {
      DB_HOST: host,
      DB_PORT: String(port),
      DB_USER: user,
      DB_PASSWORD: password,
      DB_NAME: name,
      MONGODB_URI: withDatabase(mongoUri, name),
      JWT_SECRET: randomBytes(32).toString("hex")
    },
    people: (sql) => query(sql, name),
    remove: async () => {
      await query(`DROP DATABASE IF EXISTS ${name}`)
      const client = new MongoClient(mongoUri)
      await client.db(name).dropDatabase()
      await client.close()
    }
  }
}

/** Users and sessions in MySQL, messages in MongoDB: databases of their own on the servers that all tests share. */
const databases = (mongoUri: string): Stores => ({
  name: "MySQL and MongoDB",
  isEmbedded: false,
  explain: "explain",
  make: async () => databasesOn(await mariaDb(), mongoUri)
})

/** Declares tests of a server on everything that it can keep its messages and people in. A store that is missing here is a skipped test that says how to get it. */
export const onEachStores = async (name: string, tests: (stores: Stores) => void): Promise<void> => {
  described(name, embedded, tests)
  await onDatabases(name, tests)
}

/** The same on MySQL and MongoDB alone. */
export const onDatabases = async (name: string, tests: (stores: Stores) => void): Promise<void> =>
  noMariaDb === undefined ? onMongoDb(name, (uri) => described(name, databases(uri), tests)) : skipped(name, noMariaDb)

const described = (name: string, stores: Stores, tests: (stores: Stores) => void): void => {
  describe(`${name} (${stores.name})`, () => {
    tests(stores)
  })
}

const skipped = (name: string, why: string): void => it(`without a server: ${name}`, (test) => test.skip(why))
