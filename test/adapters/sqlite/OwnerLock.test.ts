import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as OwnerLock from "../../../src/adapters/sqlite/OwnerLock.ts"

const module = new URL("../../../src/adapters/sqlite/OwnerLock.ts", import.meta.url).href

let directory: string
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
         const { Effect, Layer } = await import("effect")
         Effect.runFork(Effect.andThen(Effect.andThen(Layer.build(layer({ directory: process.argv[1] })), Effect.sync(() => console.log("mine"))), Effect.never).pipe(Effect.scoped))
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
        const error = yield* Effect.flip(Effect.scoped(Layer.build(OwnerLock.layer({ directory }))))
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
        yield* Effect.scoped(Layer.build(OwnerLock.layer({ directory })))
      })
    )
  )

  it.effect("holds within one process, too, and ends with its scope", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(OwnerLock.layer({ directory }))
          const error = yield* Effect.flip(Effect.scoped(Layer.build(OwnerLock.layer({ directory }))))
          expect(error.message).toContain(`(pid ${process.pid})`)
        })
      )
      yield* Effect.scoped(Layer.build(OwnerLock.layer({ directory })))
    })
  )

  it.effect("a directory that cannot be made is named", () =>
    Effect.gen(function* () {
      const file = join(directory, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip(Effect.scoped(Layer.build(OwnerLock.layer({ directory: join(file, "data") }))))
      expect(error.message).toMatch(/^DATA_DIR: cannot write .*file\/data \(/)
    })
  )
})
