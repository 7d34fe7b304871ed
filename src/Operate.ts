import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Cause } from "effect"
import { Effect, Layer, Option, Redacted } from "effect"
import { layer as passwordHasher } from "./adapters/crypto/PasswordHasher.ts"
import { backUp, restore } from "./adapters/sqlite/Backup.ts"
import type { Operation } from "./CommandLine.ts"
import { loadConfig } from "./Config.ts"
import type { AppConfig } from "./Config.ts"
import { environment, startFailure } from "./Environment.ts"
import { Ownership } from "./ports/Ownership.ts"
import { PasswordHasher } from "./ports/PasswordHasher.ts"
import { SessionStore } from "./ports/SessionStore.ts"
import { Users } from "./ports/Users.ts"
import { runProcess } from "./RunProcess.ts"
import { StartError } from "./StartError.ts"
import { storesOf } from "./Stores.ts"

const refused = (line: string) => Effect.fail(new StartError({ lines: [line] }))

const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

/** Databases on servers have tools of their own, which know more about them. */
const embeddedOnly = ({ databases }: AppConfig) =>
  databases === undefined
    ? Effect.void
    : refused(
        "backup and restore are for the embedded databases in DATA_DIR: here accounts are in MySQL (mysqldump --single-transaction) and messages in MongoDB (mongodump)"
      )

const storesFor = (config: AppConfig) => storesOf({ ...config, standBy: false, onBroken: () => {} })

const restored = (config: AppConfig, directory: string) =>
  Effect.gen(function* () {
    yield* (yield* Ownership).acquire
    yield* restore(directory, config.dataDir)
    yield* say(
      `${directory} was restored into ${config.dataDir}. The log has a new epoch, and everybody has to log in again.`
    )
  }).pipe(Effect.scoped, Effect.provide(storesFor(config).ownership))

/** 120 bits, which nobody needs to think up. */
const freshPassword = (): string => randomBytes(15).toString("base64url")

const passwordReset = (config: AppConfig, username: string) =>
  Effect.gen(function* () {
    const users = yield* Users
    const user = Option.getOrUndefined(yield* users.findByUsername(username.normalize("NFC")))
    if (user === undefined) return yield* refused(`there is no account ${JSON.stringify(username)}`)
    const password = freshPassword()
    const to = yield* (yield* PasswordHasher).hash(Redacted.make(password))
    const changed = yield* users.replacePasswordHash({ userId: user.userId, from: user.passwordHash, to })
    if (!changed) return yield* refused("the password was changed by somebody else at this moment: run it again")
    const ended = yield* (yield* SessionStore).removeAllOf(user.userId)
    return yield* say(
      `The new password of ${user.username} is ${password}  (sessions ended: ${ended.length}; a running server closes their sockets within a second)`
    )
  }).pipe(Effect.provide(Layer.merge(storesFor(config).people, passwordHasher())))

const operate = (config: AppConfig, operation: Operation) =>
  Effect.gen(function* () {
    if (operation.do === "reset-password") {
      // Opening would make an empty one.
      if (config.databases === undefined && !existsSync(join(config.dataDir, "people.db"))) {
        return yield* refused(`DATA_DIR: there is no people.db in ${config.dataDir}`)
      }
      return yield* passwordReset(config, operation.username)
    }
    yield* embeddedOnly(config)
    if (operation.do === "restore") return yield* restored(config, operation.directory)
    yield* backUp(config.dataDir, operation.directory)
    return yield* say(`The databases in ${config.dataDir} were copied to ${operation.directory}.`)
  })

/** Does what an operator asked for on the stores that the configuration names, and ends. */
export const runOperation = (operation: Operation): void =>
  runProcess(
    (uncaught) =>
      Effect.gen(function* () {
        const config = yield* loadConfig(yield* environment)
        yield* Effect.raceFirst(operate(config, operation), uncaught)
      }),
    (cause: Cause.Cause<unknown>) => startFailure(cause)
  )
