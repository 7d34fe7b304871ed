import { spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope } from "effect"
import type { LockOptions } from "../../../src/adapters/mysql/LockSession.ts"
import { layer as ownership } from "../../../src/adapters/mysql/Ownership.ts"
import { Ownership } from "../../../src/ports/Ownership.ts"
import { MariaDb, noMariaDb, noMariaDbProcess } from "../../servers/MariaDb.ts"
import { stopped } from "../../servers/Stopped.ts"
import { freePort } from "../../servers/OwnProcess.ts"
import { databaseOf, testDatabase } from "../../support/MariaDbs.ts"
import type { TestDatabase } from "../../support/MariaDbs.ts"

const module = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href)

/** Quicker than in earnest. */
const lockOf = ({ database, host, password, port, user }: TestDatabase): LockOptions => ({
  database,
  host,
  password,
  port,
  user,
  journal: "chat",
  pingMillis: 400,
  silenceSeconds: 2,
  connectTimeoutMillis: 1_000
})

const candidate = (options: LockOptions) =>
  Effect.map(Layer.build(ownership(options)), (context) => Context.get(context, Ownership))

/** Owns it in a scope of its own. */
const acquired = (candidate: typeof Ownership.Service) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const { lost } = yield* Scope.provide(candidate.acquire, scope)
    return { lost, release: Scope.close(scope, Exit.void) }
  })

const inTheEnd = (isSo: () => boolean) =>
  Effect.retry(
    Effect.suspend(() => (isSo() ? Effect.void : Effect.fail(new Error("it never was so")))),
    { schedule: Schedule.spaced("20 millis"), times: 1_000 }
  )

/** Another process that stands by, owns and says what becomes of it, line by line. */
const otherProcess = (options: LockOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const program = `
        const { Effect, Redacted } = await import("effect")
        const { layer } = await import(${module("src/adapters/mysql/Ownership.ts")})
        const { Ownership } = await import(${module("src/ports/Ownership.ts")})
        const options = JSON.parse(process.argv[1])
        const run = Effect.gen(function* () {
          const { lost } = yield* (yield* Ownership).acquire
          console.log("owner")
          console.log((yield* Effect.flip(lost)).message)
        })
        await Effect.runPromise(run.pipe(Effect.scoped, Effect.provide(layer({ ...options, password: Redacted.make(options.password) }))))`
      const settings = JSON.stringify({ ...options, password: Redacted.value(options.password) })
      const child = spawn(process.execPath, ["--input-type=module", "-e", program, settings], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const said: Array<string> = []
      createInterface({ input: child.stdout }).on("line", (line) => said.push(line))
      return { child, said }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe("ownership by a lock of MySQL's", () => {
  beforeEach((test) => test.skip(noMariaDb !== undefined, noMariaDb))

  it.live("is one process's; another waits, is told who has it, and gets it when it is given back", () =>
    Effect.gen(function* () {
      const options = lockOf(yield* testDatabase)
      const [one, two] = [yield* candidate(options), yield* candidate(options)]
      const first = yield* acquired(one)
      assert.isUndefined(one.holder())
      const second = yield* Effect.forkScoped(acquired(two))
      yield* inTheEnd(() => two.holder() !== undefined)
      assert.match(two.holder() ?? "", new RegExp(`^${hostname()}, pid ${process.pid}, since \\d{4}-.*Z$`))
      assert.isUndefined(second.pollUnsafe())
      yield* first.release
      yield* Fiber.join(second)
      assert.isUndefined(two.holder())
    })
  )

  it.live("is apart for each journal, and for each database on one server", () =>
    Effect.gen(function* () {
      const options = lockOf(yield* testDatabase)
      yield* acquired(yield* candidate(options))
      yield* acquired(yield* candidate({ ...options, journal: "another" }))
      yield* acquired(yield* candidate(lockOf(yield* testDatabase)))
    })
  )

  it.live("ends with the process, however it ends", () =>
    Effect.gen(function* () {
      const options = lockOf(yield* testDatabase)
      const other = yield* otherProcess(options)
      yield* inTheEnd(() => other.said.includes("owner"))
      const mine = yield* candidate(options)
      const second = yield* Effect.forkScoped(acquired(mine))
      yield* inTheEnd(() => mine.holder()?.includes(`pid ${other.child.pid}`) === true)
      other.child.kill("SIGKILL")
      yield* Fiber.join(second)
    })
  )

  it.live("leaves a frozen process, which hears of it when it wakes up", () =>
    Effect.gen(function* () {
      const options = lockOf(yield* testDatabase)
      const other = yield* otherProcess(options)
      yield* inTheEnd(() => other.said.includes("owner"))
      yield* Effect.promise(() => stopped(other.child))
      const mine = yield* acquired(yield* candidate(options))
      assert.deepStrictEqual(other.said, ["owner"])
      other.child.kill("SIGCONT")
      yield* inTheEnd(() => other.said.length === 2)
      assert.include(other.said[1] ?? "", `pid ${process.pid}`)
      const lost = yield* Effect.forkScoped(mine.lost)
      assert.isUndefined(lost.pollUnsafe())
    })
  )

  it.live("is lost, and that is told, when the connection is and somebody else was faster", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const options = lockOf(database)
      const [one, two] = [yield* candidate(options), yield* candidate(options)]
      const first = yield* acquired(one)
      const [session] = yield* database.look(
        "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()",
        [database.database]
      )
      const second = yield* Effect.forkScoped(acquired(two))
      yield* inTheEnd(() => two.holder() !== undefined)
      yield* database.look(`KILL ${session?.["id"]}`)
      yield* Fiber.join(second)
      const error = yield* Effect.flip(first.lost)
      assert.match(error.message, /^another process may own the journal now: /)
    })
  )

  it.live("is regained, and nothing told, when the connection is lost and nobody else wants it", () =>
    Effect.gen(function* () {
      const database = yield* testDatabase
      const first = yield* acquired(yield* candidate(lockOf(database)))
      const lost = yield* Effect.forkScoped(Effect.exit(first.lost))
      const holders = () =>
        Effect.map(
          database.look("SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()", [
            database.database
          ]),
          (rows) => rows.map((row) => Number(row["id"]))
        )
      const [before = 0] = yield* holders()
      yield* database.look(`KILL ${before}`)
      yield* Effect.retry(
        Effect.filterOrFail(
          holders(),
          ([now]) => now !== undefined && now !== before,
          () => new Error("not yet")
        ),
        { schedule: Schedule.spaced("50 millis"), times: 400 }
      )
      assert.isUndefined(lost.pollUnsafe())
    })
  )

  it.live("cannot be asked for where there is no server: one line says so", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const options = { ...lockOf(yield* testDatabase), host: "127.0.0.1", port }
      const error = yield* Effect.flip(Effect.flatMap(candidate(options), acquired))
      assert.strictEqual(
        error.message,
        `DB_HOST, DB_PORT: 127.0.0.1:${port} refuses connections: MySQL does not listen there`
      )
    })
  )
})

describe("an outage of the server that keeps the lock", () => {
  let server: MariaDb
  let directory: string
  beforeAll(async () => {
    if (noMariaDbProcess !== undefined) return
    directory = mkdtempSync(join(tmpdir(), "parley-ownership-"))
    server = await MariaDb.create(directory, process.pid)
  })
  afterAll(() => server?.remove(directory))
  beforeEach((test) => test.skip(noMariaDbProcess !== undefined, noMariaDbProcess))

  const survives = (outage: Effect.Effect<void>) =>
    Effect.gen(function* () {
      const options = lockOf(yield* databaseOf(server.address))
      const [one, two] = [yield* candidate(options), yield* candidate(options)]
      const first = yield* acquired(one)
      const lost = yield* Effect.forkScoped(Effect.exit(first.lost))
      const second = yield* Effect.forkScoped(acquired(two))
      yield* inTheEnd(() => two.holder() !== undefined)
      yield* outage
      // Who stands by is in touch again when it asks for the lock and is told who has it.
      const third = yield* candidate(options)
      yield* Effect.forkScoped(acquired(third))
      yield* inTheEnd(() => third.holder() !== undefined)
      assert.isUndefined(lost.pollUnsafe())
      assert.isUndefined(second.pollUnsafe())
      yield* first.release
    })

  it.live("leaves the owner the owner: a server that was killed and started again", () =>
    survives(
      Effect.promise(async () => {
        await server.kill()
        await server.start()
      }).pipe(Effect.andThen(Effect.sleep("1500 millis")))
    )
  )

  it.live("leaves the owner the owner: a server that was frozen and thawed", () =>
    survives(
      Effect.gen(function* () {
        yield* Effect.promise(() => server.freeze())
        yield* Effect.sleep("1500 millis")
        yield* Effect.sync(() => server.thaw())
        yield* Effect.sleep("1000 millis")
      })
    )
  )
})
