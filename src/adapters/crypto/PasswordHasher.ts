import { randomBytes } from "node:crypto"
import { availableParallelism } from "node:os"
import { hash as bcryptHash, parseOptions, verify as bcryptVerify } from "@node-rs/bcrypt"
import { Effect, Layer, Redacted, Semaphore } from "effect"
import type { HashCounts } from "../../domain/EngineStats.ts"
import { HasherOverloaded, PasswordHasher } from "../../ports/PasswordHasher.ts"

/** bcrypt looks at no byte after this one. */
const maxPasswordBytes = 72

export interface PasswordHasherOptions {
  /** 4–31; each step doubles the time. 10 by default, the original application's. */
  readonly cost?: number
  /** Hashes that run at once, each on a thread of its own. By default one core is left to the chat, and at most 2 are taken. */
  readonly concurrency?: number
  /** Hashes that wait at most; one more is refused with `HasherOverloaded`. 32 by default. */
  readonly maxWaiting?: number
  /** Kept up to date, for who watches. */
  readonly counts?: HashCounts
}

/** bcrypt, off the main thread. */
export const layer = (options: PasswordHasherOptions = {}): Layer.Layer<PasswordHasher> =>
  Layer.effect(
    PasswordHasher,
    Effect.gen(function* () {
      const cost = options.cost ?? 10
      const concurrency = options.concurrency ?? Math.max(1, Math.min(2, availableParallelism() - 1))
      const capacity = concurrency + (options.maxWaiting ?? 32)
      const permits = yield* Semaphore.make(concurrency)
      let underWay = 0
      const count = (change: number): void => {
        underWay += change
        if (options.counts !== undefined) options.counts.underWay = underWay
      }
      /** What one hash takes here lately, in milliseconds of the machine's clock: a hash takes real time whatever a test's clock says. */
      let typicalMillis = 0

      const timed = <A>(work: () => Promise<A>): Effect.Effect<A> =>
        Effect.suspend(() => {
          const began = performance.now()
          return Effect.promise(work).pipe(
            Effect.tap(() =>
              Effect.sync(() => {
                const took = performance.now() - began
                options.counts?.seconds.observe(took / 1000)
                typicalMillis = typicalMillis === 0 ? took : typicalMillis * 0.8 + took * 0.2
              })
            )
          )
        })

      const bounded = <A>(work: () => Promise<A>): Effect.Effect<A, HasherOverloaded> =>
        Effect.suspend(() => {
          if (underWay >= capacity) {
            if (options.counts !== undefined) options.counts.refused += 1
            const turns = Math.ceil((underWay - concurrency + 1) / concurrency)
            return Effect.fail(new HasherOverloaded({ retryAfterMs: Math.max(1, Math.ceil(turns * typicalMillis)) }))
          }
          count(1)
          // A hash that has begun cannot be stopped: its permit is kept to its end, or more than `concurrency` would run.
          return permits
            .withPermits(1)(Effect.uninterruptible(timed(work)))
            .pipe(
              Effect.ensuring(
                Effect.sync(() => {
                  count(-1)
                })
              )
            )
        })

      const hashNow = (password: string) => bcryptHash(password, { cost, rejectLongPasswords: true })
      const dummyHash = yield* timed(() => hashNow(randomBytes(32).toString("base64url")))

      return {
        dummyHash,
        hash: Effect.fn("PasswordHasher.hash")((password) => bounded(() => hashNow(Redacted.value(password)))),
        verify: Effect.fn("PasswordHasher.verify")((password, hash) => {
          const text = Redacted.value(password)
          const possible = Buffer.byteLength(text, "utf8") <= maxPasswordBytes && isHash(hash)
          // What can only be wrong takes as long as what might be right.
          return bounded(() => bcryptVerify(text, possible ? hash : dummyHash)).pipe(
            Effect.map((matches) => possible && matches)
          )
        })
      }
    })
  )

const isHash = (text: string): boolean => {
  try {
    parseOptions(text)
    return true
  } catch {
    return false
  }
}
