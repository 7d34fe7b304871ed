import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { flavourOf } from "../../../src/adapters/mysql/Flavour.ts"
import { layer as people } from "../../../src/adapters/mysql/People.ts"
import type { PoolOptions } from "../../../src/adapters/mysql/PooledClient.ts"
import { Users } from "../../../src/ports/Users.ts"
import { mariaDb, noMariaDb } from "../../servers/MariaDb.ts"
import { freePort } from "../../servers/OwnProcess.ts"
import { testDatabase } from "../../support/MariaDbs.ts"

const secret = "hunter2-hunter2"

/** The one line that start-up ends with. */
const refused = (options: PoolOptions) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(Layer.build(people(options))))
    assert.notInclude(error.message, "\n")
    assert.notInclude(error.message, secret)
    return error
  })

/** A port where each connection is handled by `serve`. */
const listening = (serve: (socket: Socket) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => undefined)
        serve(socket)
      }).listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, sockets }
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  ).pipe(Effect.map(({ server }) => (server.address() as AddressInfo).port))

const nowhere: PoolOptions = {
  host: "127.0.0.1",
  port: 1,
  user: "parley",
  password: Redacted.make(secret),
  database: "chat",
  connectTimeoutMillis: 300,
  deadlineMillis: 1_000
}

describe("a start without MySQL", () => {
  it.live("says that the host is not known", () =>
    Effect.gen(function* () {
      const error = yield* refused({ ...nowhere, host: "no-such-host.invalid" })
      assert.match(error.message, /^DB_HOST: no host "no-such-host.invalid" is known/)
    })
  )

  it.live("says that nothing listens at the port", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const error = yield* refused({ ...nowhere, port })
      assert.strictEqual(
        error.message,
        `DB_HOST, DB_PORT: 127.0.0.1:${port} refuses connections: MySQL does not listen there`
      )
    })
  )

  it.live("gives up on who says nothing", () =>
    Effect.gen(function* () {
      const port = yield* listening(() => undefined)
      const error = yield* refused({ ...nowhere, port })
      assert.strictEqual(error.message, `DB_HOST, DB_PORT: no MySQL answers at 127.0.0.1:${port} (ETIMEDOUT)`)
    })
  )

  it.live("says that another protocol is spoken there, or none", () =>
    Effect.gen(function* () {
      const http = yield* listening((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.match((yield* refused({ ...nowhere, port: http })).message, /^DB_HOST, DB_PORT: 127\.0\.0\.1:\d+ /)
      const closed = yield* listening((socket) => socket.end())
      assert.match((yield* refused({ ...nowhere, port: closed })).message, /^DB_HOST, DB_PORT: 127\.0\.0\.1:\d+ /)
    })
  )
})

describe("a server's version", () => {
  const judged = (version: string) => Effect.result(flavourOf(version, "db:3306"))

  it.effect("tells MySQL from MariaDB, which has another name for the exact collation", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* flavourOf("8.4.2", "")).exact, "utf8mb4_0900_bin")
      assert.strictEqual((yield* flavourOf("8.0.17-0ubuntu1", "")).name, "MySQL")
      assert.strictEqual((yield* flavourOf("10.11.6-MariaDB-0+deb12u1", "")).exact, "utf8mb4_nopad_bin")
      assert.strictEqual((yield* flavourOf("5.5.5-10.6.0-MariaDB", "")).name, "MariaDB")
      assert.strictEqual((yield* flavourOf("11.4.2-MariaDB", "")).name, "MariaDB")
    })
  )

  it.effect("that is too old is refused", () =>
    Effect.gen(function* () {
      for (const version of ["5.7.44", "8.0.16", "10.5.9-MariaDB", "5.5.5-10.5.9-MariaDB", "unheard of"]) {
        assert.isTrue((yield* judged(version))._tag === "Failure", version)
      }
      const error = yield* Effect.flip(flavourOf("5.7.44-log", "db:3306"))
      assert.strictEqual(
        error.message,
        "DB_HOST: the server at db:3306 is MySQL 5.7.44; expected MySQL 8.0.17 or newer"
      )
    })
  )
})

describe("a start with a MySQL that does not agree", () => {
  beforeEach((test) => test.skip(noMariaDb !== undefined, noMariaDb))

  it.live("says that the user or the password is wrong, and shows no password", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const place = `${database.host}:${database.port}`
      const wrong = yield* refused({ ...database, password: Redacted.make(secret) })
      assert.strictEqual(
        wrong.message,
        `DB_USER, DB_PASSWORD: the server at ${place} does not let "${database.user}" in (ER_ACCESS_DENIED_ERROR)`
      )
      const nobody = yield* refused({ ...database, user: "nobody", password: Redacted.make(secret) })
      assert.match(nobody.message, /^DB_USER, DB_PASSWORD: .* "nobody"/)
    })
  )

  it.live("says that there is no such database", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const error = yield* refused({ ...database, database: "no_such_database" })
      assert.strictEqual(
        error.message,
        `DB_NAME: there is no database "no_such_database" at ${database.host}:${database.port}`
      )
    })
  )

  it.live("says that the user may not use the database, or not make tables in it", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const user = `reader_${database.database.slice(12, 24)}`
      yield* Effect.acquireRelease(database.look(`CREATE USER ${user} IDENTIFIED BY '${secret}'`), () =>
        database.look(`DROP USER ${user}`)
      )
      const options = { ...database, user, password: Redacted.make(secret) }
      assert.match((yield* refused(options)).message, /^DB_NAME: "reader_\w+" may not use the database "parley_test_/)
      yield* database.look(`GRANT SELECT ON ${database.database}.* TO ${user}`)
      assert.match((yield* refused(options)).message, /^DB_USER: "reader_\w+" lacks a privilege on the database /)
    })
  )

  it.live("speaks TLS with a server whose certificate it can verify, and with no other", ({ skip }) =>
    Effect.gen(function* () {
      const { ca } = yield* Effect.promise(mariaDb)
      skip(ca === undefined, "the server of MYSQL_TEST_URL has a certificate of its own")
      const database = yield* testDatabase
      const speaks = (options: PoolOptions) =>
        Effect.flatMap(Users, (users) => users.findByUsername("nobody")).pipe(
          Effect.map((user) => assert.isTrue(Option.isNone(user))),
          Effect.provide(people(options))
        )
      yield* speaks({ ...database, host: "localhost", tls: { ca: ca ?? "" } })
      yield* speaks({ ...database, tls: { ca: ca ?? "", verifyHost: false } })
      const unknown = yield* refused({ ...database, host: "localhost", tls: {} })
      assert.match(unknown.message, /^DB_TLS: the certificate of localhost:\d+ is not trusted/)
      const another = yield* refused({ ...database, host: "127.1", tls: { ca: ca ?? "" } })
      assert.match(another.message, /^DB_TLS: the certificate of 127\.1:\d+ is not trusted/)
      const address = yield* refused({ ...database, tls: { ca: ca ?? "" } })
      assert.strictEqual(
        address.message,
        'DB_TLS: a certificate cannot be verified for the address "127.0.0.1": give DB_HOST a name, or do not verify the host'
      )
    })
  )

  it.live("says that the server has no TLS, or wants it", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const user = `tls_${database.database.slice(12, 24)}`
      yield* Effect.acquireRelease(database.look(`CREATE USER ${user} IDENTIFIED BY '${secret}' REQUIRE SSL`), () =>
        database.look(`DROP USER ${user}`)
      )
      const error = yield* refused({ ...database, user, password: Redacted.make(secret) })
      assert.match(error.message, /^DB_(TLS|USER, DB_PASSWORD): /)
    })
  )
})
