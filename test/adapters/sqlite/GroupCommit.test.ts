import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Worker } from "node:worker_threads"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { layer } from "../../../src/adapters/sqlite/Journal.ts"
import type { JournalOptions } from "../../../src/adapters/sqlite/Journal.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import { at, message, room } from "../../support/Events.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

const a = room("a")
const b = room("b")
const placed = (seq: number) => [{ seq, earlier: undefined }]
const refused = { _tag: "JournalError", reason: "Refused" }
const broken = { _tag: "JournalError", reason: "Broken" }

/** A journal in a directory of its own, the batches of each of its commits, how it broke, and its threads: the writer's, the reader's. */
const opened = (options: Omit<JournalOptions, "directory"> = {}, scope?: Scope.Scope) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const commits: Array<number> = []
    const breaks: Array<string> = []
    const threads: Array<Worker> = []
    const listen = (worker: Worker) => void threads.push(worker)
    process.on("worker", listen)
    const context = yield* Layer.buildWithScope(
      layer({
        directory,
        onCommit: (batches) => commits.push(batches),
        onBroken: (error) => breaks.push(error.detail),
        ...options
      }),
      scope ?? (yield* Effect.scope)
    )
    process.off("worker", listen)
    return { directory, commits, breaks, threads, journal: Context.get(context, Journal) }
  })

const tamper = (directory: string, sql: string) =>
  Effect.sync(() => {
    const db = new DatabaseSync(join(directory, "journal.db"))
    db.exec(sql)
    db.close()
  })

describe("a commit", () => {
  it.effect("takes the appends of all rooms that wait, and those that its own answers bring forth", () =>
    Effect.gen(function* () {
      const { commits, journal } = yield* opened()
      yield* Effect.all(
        Array.from({ length: 100 }, (_, index) =>
          Effect.gen(function* () {
            for (let head = 0; head < 3; head++) {
              const answer = yield* journal.append(room(`r${index}`), at(head), [message("x", { id: `${head}` })])
              expect(answer).toEqual(placed(head + 1))
            }
          })
        ),
        { concurrency: "unbounded" }
      )
      expect(commits).toEqual([100, 100, 100])
    })
  )

  it.effect("that does not fit is refused room by room, and recovers in place", () =>
    Effect.gen(function* () {
      const { commits, journal, breaks } = yield* opened({ maximumPages: 100 })
      const large = [message("0", { id: "x" }), message("x".repeat(1_000_000))]
      const answers = yield* Effect.all(
        [
          journal.append(room("first"), at(0), [message("1")]),
          journal.append(a, at(0), [message("1", { id: "x" })]),
          Effect.flip(journal.append(b, at(0), large)),
          journal.append(room("c"), at(0), [message("1")])
        ],
        { concurrency: "unbounded" }
      )
      expect(answers).toEqual([placed(1), placed(1), expect.objectContaining(refused), placed(1)])
      expect(commits).toEqual([4])
      expect(yield* journal.head(b)).toBe(0)
      expect(yield* journal.append(b, at(0), [message("small", { id: "x" })])).toEqual(placed(1))
      expect(yield* Effect.flip(journal.append(b, at(1), large.slice(1)))).toMatchObject(refused)
      expect(yield* journal.append(a, at(1), [message("2")])).toEqual(placed(2))
      expect(breaks).toEqual([])
    })
  )

  it.effect("goes on when one of those who wait for it is interrupted", () =>
    Effect.gen(function* () {
      const { journal } = yield* opened()
      const interrupted = yield* Effect.forkChild(journal.append(a, at(0), [message("1")]), { startImmediately: true })
      const other = yield* Effect.forkChild(journal.append(b, at(0), [message("1")]), { startImmediately: true })
      yield* Fiber.interrupt(interrupted)
      expect(yield* Fiber.join(other)).toEqual(placed(1))
      expect(yield* journal.append(a, at(0), [message("1")])).toEqual(placed(1))
    })
  )

  it.effect("that is asked for before the scope ends is made, and answered", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { journal } = yield* opened({}, scope)
      const waiting = yield* Effect.forEach([1, 2, 3, 4, 5], (index) =>
        Effect.forkChild(journal.append(room(`r${index}`), at(0), [message("1")]), { startImmediately: true })
      )
      yield* Scope.close(scope, Exit.void)
      for (const fiber of waiting) expect(yield* Fiber.join(fiber)).toEqual(placed(1))
    })
  )

  it.effect("is fenced where another process has written the room, and recognized where it wrote the same", () =>
    Effect.gen(function* () {
      const { directory, journal } = yield* opened()
      yield* journal.append(a, at(0), [message("1")])
      yield* journal.append(b, at(0), [message("1")])
      yield* Effect.flatMap(Journal, (other) =>
        Effect.all([other.append(a, at(1), [message("theirs")]), other.append(b, at(1), [message("2"), message("3")])])
      ).pipe(Effect.provide(Layer.fresh(layer({ directory }))))
      expect(yield* Effect.flip(journal.append(a, at(1), [message("ours")]))).toMatchObject({ reason: "Fenced" })
      expect(yield* journal.append(b, at(1), [message("2")])).toEqual(placed(2))
      expect(yield* journal.append(b, at(3), [message("4")])).toEqual(placed(4))
    })
  )
})

describe("a journal is broken", () => {
  for (const [index, which] of ["writer", "reader"].entries()) {
    it.effect(`when the ${which}'s thread dies: for everything that waits and everything later`, () =>
      Effect.gen(function* () {
        const { breaks, journal, threads } = yield* opened()
        yield* journal.append(a, at(0), [message("1")])
        expect(threads).toHaveLength(2)
        yield* Effect.promise(() => threads[index]?.terminate() ?? Promise.resolve(0))
        expect(yield* Effect.flip(journal.append(a, at(1), [message("2")]))).toMatchObject(broken)
        expect(yield* Effect.flip(journal.read(a, at(0), 1))).toMatchObject(broken)
        expect(yield* Effect.flip(journal.head(a))).toMatchObject(broken)
        expect(breaks).toHaveLength(1)
      })
    )
  }

  it.effect(
    "when its thread dies with a commit under way: nobody is left waiting, and what was answered is stored",
    () =>
      Effect.gen(function* () {
        const { directory, journal, threads } = yield* opened()
        const names = ["a", "b", "c"].map(room)
        const append = (name: (typeof names)[number]) => Effect.exit(journal.append(name, at(0), [message("1")]))
        const waiting = yield* Effect.forkChild(Effect.all(names.map(append), { concurrency: "unbounded" }), {
          startImmediately: true
        })
        yield* Effect.promise(() => threads[0]?.terminate() ?? Promise.resolve(0))
        const exits = yield* Fiber.join(waiting)
        expect(yield* Effect.flip(journal.append(a, at(0), [message("1")]))).toMatchObject(broken)
        yield* Effect.gen(function* () {
          const again = yield* Journal
          for (const [index, name] of names.entries()) {
            if (exits[index] !== undefined && Exit.isSuccess(exits[index])) expect(yield* again.head(name)).toBe(1)
          }
        }).pipe(Effect.provide(Layer.fresh(layer({ directory }))))
      })
  )

  it.effect.each([
    { missing: 3, after: 0 },
    { missing: 3, after: 2 },
    { missing: 1, after: 0 }
  ])("when position $missing of a log is gone: what is asked for after $after is not served", ({ missing, after }) =>
    Effect.gen(function* () {
      const { breaks, directory, journal } = yield* opened()
      for (let head = 0; head < 4; head++) yield* journal.append(a, at(head), [message(`${head + 1}`)])
      yield* tamper(directory, `delete from batches where first = ${missing}`)
      expect(yield* Effect.flip(journal.read(a, at(after), 10))).toMatchObject(broken)
      expect(yield* Effect.flip(journal.append(b, at(0), [message("1")]))).toMatchObject(broken)
      expect(breaks).toEqual(["a room's log has a hole"])
    })
  )

  it.effect("for the read that meets an event of a newer release, which is named; other rooms go on", () =>
    Effect.gen(function* () {
      const { directory, journal } = yield* opened()
      yield* journal.append(a, at(0), [message("1"), message("2", { id: "x" })])
      yield* tamper(directory, `update batches set entries = replace(entries, '"v":1', '"v":7')`)
      expect(yield* Effect.flip(journal.read(a, at(1), 1))).toMatchObject({
        reason: "Broken",
        detail: 'room a, position 2: an event of type "MessagePosted", version 7, which this release does not know'
      })
      expect(yield* Effect.flip(journal.append(a, at(2), [message("2", { id: "x" })]))).toMatchObject(broken)
      expect(yield* journal.append(b, at(0), [message("1")])).toEqual(placed(1))
    })
  )
})
