import { randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync
} from "node:fs"
import { dirname } from "node:path"
import { Data, Effect, Redacted } from "effect"

/** The secret can neither be read nor made. `message` is the one line that start-up ends with; the secret is not in it. */
export class SecretFileUnusable extends Data.TaggedError("SecretFileUnusable")<{ readonly message: string }> {}

/** What an HS256 key must have at least (RFC 7518, section 3.2). */
const minBytes = 32

const exists = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code

const readOrMake = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (!exists(error, "ENOENT")) throw error
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Whole, on disk, and then under its name: nobody ever reads half a secret, and of two makers one wins.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`
  const descriptor = openSync(draft, "wx", 0o600)
  try {
    writeSync(descriptor, `${randomBytes(48).toString("base64url")}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!exists(error, "EEXIST")) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, "utf8")
}

/**
 * The secret in `file`, without the white space around it; where there is no such file, one of 48 random bytes is made first. Nobody but the owner can read the file
 * afterwards (mode 0600). A secret of less than 32 bytes is refused.
 */
export const loadOrMake = (file: string): Effect.Effect<Redacted.Redacted<string>, SecretFileUnusable> =>
  Effect.try({
    try: () => {
      const secret = readOrMake(file).trim()
      chmodSync(file, 0o600)
      return secret
    },
    catch: (error) =>
      new SecretFileUnusable({
        message: `the signing secret ${file} cannot be used (${error instanceof Error ? error.message : String(error)})`
      })
  }).pipe(
    Effect.filterOrFail(
      (secret) => Buffer.byteLength(secret) >= minBytes,
      () =>
        new SecretFileUnusable({
          message: `the signing secret ${file} has less than ${minBytes} bytes: delete it, and one is made`
        })
    ),
    Effect.map((secret) => Redacted.make(secret))
  )
