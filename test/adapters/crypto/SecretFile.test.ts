import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { loadOrMake } from "../../../src/adapters/crypto/SecretFile.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "parley-secret-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe("the secret's file", () => {
  it.effect("is made once, for its owner only, and is the same from then on", () =>
    Effect.gen(function* () {
      const file = join(directory, "data", "jwt-secret")
      const first = yield* loadOrMake(file)
      expect(Buffer.byteLength(Redacted.value(first))).toBeGreaterThanOrEqual(32)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(Redacted.value(yield* loadOrMake(file))).toBe(Redacted.value(first))
      expect(readdirSync(join(directory, "data"))).toEqual(["jwt-secret"])
    })
  )

  it.effect("is closed to others where it stood open", () =>
    Effect.gen(function* () {
      const file = join(directory, "jwt-secret")
      writeFileSync(file, `${"k".repeat(32)}\n`)
      chmodSync(file, 0o644)
      expect(Redacted.value(yield* loadOrMake(file))).toBe("k".repeat(32))
      expect(statSync(file).mode & 0o777).toBe(0o600)
    })
  )

  it.effect("is refused when it is too short, without being shown", () =>
    Effect.gen(function* () {
      const file = join(directory, "jwt-secret")
      writeFileSync(file, "hunter2\n")
      const error = yield* Effect.flip(loadOrMake(file))
      expect(error.message).toBe(`the signing secret ${file} has less than 32 bytes: delete it, and one is made`)
    })
  )

  it.effect("that cannot be read is named", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loadOrMake(directory))
      expect(error.message).toMatch(/^the signing secret .* cannot be used \(/)
    })
  )
})
