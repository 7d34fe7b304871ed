import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as OwnerLock from "../../../src/adapters/sqlite/OwnerLock.ts"
import { Ownership } from "../../../src/ports/Ownership.ts"

const module = new URL("../../../src/adapters/sqlite/OwnerLock.ts", import.meta.url).href

const port = new URL("../../../src/ports/Ownership.ts", import.meta.url).href

let directory: string

/** Owns the directory until the scope ends. */
const own = (options: { readonly wait: boolean; readonly directory?: string } = { wait: false }) =>
  Effect.flatMap(Ownership, ({ acquire }) => acquire).pipe(Effect.provide(OwnerLock.layer({ directory, ...options })))

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "parley-owner-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** Another process that owns the directory until it is killed. */
const otherOwner = Effect.acquireRelease(
  Effect.promise(async () => {
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { layer } = await import(${JSON.stringify(module)})
         const { Effect } = await import("effect")
         const { Ownership } = await import(${JSON.stringify(port)})
         const owning = Effect.flatMap(Ownership, ({ acquire }) => acquire)
         const own = Effect.andThen(Effect.andThen(owning, Effect.sync(() => console.log("mine"))), Effect.never)
         Effect.runFork(own.pipe(Effect.scoped, Effect.provide(layer({ directory: process.argv[1], wait: false }))))
         setInterval(() => {}, 1000)`,
        directory
      ],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    await once(child.stdout, "data")
    return child
  }),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

describe("the owner's lock", () => {
  it.effect("a second process hears in one line who holds the directory", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const other = yield* otherOwner
        const error = yield* Effect.flip(Effect.scoped(own()))
        expect(error.message).toBe(
          `DATA_DIR: ${directory} is in use by another process (pid ${other.pid}): stop it, or set another DATA_DIR`
        )
      })
    )
  )

  it.effect("is free again after kill -9", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const other = yield* otherOwner
        yield* Effect.promise(async () => {
          const gone = once(other, "exit")
          other.kill("SIGKILL")
          await gone
        })
        yield* Effect.scoped(own())
      })
    )
  )

  it.effect("holds within one process, too, and ends with its scope", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* own()
          const error = yield* Effect.flip(Effect.scoped(own()))
          expect(error.message).toContain(`(pid ${process.pid})`)
        })
      )
      yield* Effect.scoped(own())
    })
  )

  it.effect("who stands by knows the holder, and takes over when the lock is free", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const other = yield* otherOwner
        const ownership = yield* Ownership
        const waiting = yield* Effect.forkChild(ownership.acquire, { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        expect(ownership.holder()).toBe(`pid ${other.pid}`)
        expect(waiting.pollUnsafe()).toBeUndefined()
        yield* Effect.promise(async () => {
          const gone = once(other, "exit")
          other.kill("SIGKILL")
          await gone
        })
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(waiting)
        expect(ownership.holder()).toBeUndefined()
      }).pipe(Effect.provide(OwnerLock.layer({ directory, wait: true })))
    )
  )

  it.effect("a directory that cannot be made is named", () =>
    Effect.gen(function* () {
      const file = join(directory, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip(Effect.scoped(own({ wait: false, directory: join(file, "data") })))
      expect(error.message).toMatch(/^DATA_DIR: cannot write .*file\/data \(/)
    })
  )
})
