import { randomBytes } from "node:crypto"
import { availableParallelism } from "node:os"
import { hash as bcryptHash, parseOptions } from "@node-rs/bcrypt"
import { Effect, Layer, Redacted, Semaphore } from "effect"
import type { HashCounts } from "../../domain/EngineStats.ts"
import { HasherOverloaded, PasswordHasher } from "../../ports/PasswordHasher.ts"
import { HashThread } from "./HashThread.ts"
import type { HashJob } from "./HashThread.ts"

/** bcrypt looks at no byte after this one. */
const maxPasswordBytes = 72

export interface PasswordHasherOptions {
  /** 4–31; each step doubles the time. 10 by default, the original application's. */
  readonly cost?: number
  /** Hashes that run at once, each on a thread of its own. By default one core is left to the chat, and at most 2 are taken. */
  readonly concurrency?: number
  /**
   * How much of such a thread's time hashes take while others wait, above 0 and up to 1: the rest of it the core is the chat's. By default 0.4 where there are one or two cores, else 1.
   * Who does not have to wait is never kept.
   */
  readonly share?: number
  /** Hashes that wait at most; one more is refused with `HasherOverloaded`. 32 by default. */
  readonly maxWaiting?: number
  /** Kept up to date, for who watches. */
  readonly counts?: HashCounts
}

/** bcrypt, on threads that give way to the chat. */
export const layer = (options: PasswordHasherOptions = {}): Layer.Layer<PasswordHasher> =>
  Layer.effect(
    PasswordHasher,
    Effect.gen(function* () {
      const cost = options.cost ?? 10
      const concurrency = options.concurrency ?? Math.max(1, Math.min(2, availableParallelism() - 1))
      const share = options.share ?? (availableParallelism() <= 2 ? 0.4 : 1)
      const capacity = concurrency + (options.maxWaiting ?? 32)
      const permits = yield* Semaphore.make(concurrency)
      const idle = Array.from({ length: concurrency }, () => new HashThread())
      const threads = Array.from(idle)
      yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(threads.map((thread) => thread.end()))))
      let underWay = 0
      const count = (change: number): void => {
        underWay += change
        if (options.counts !== undefined) options.counts.underWay = underWay
      }
      /** What a turn takes here lately, its rest included: milliseconds of the machine's clock, since a hash takes real time whatever a test's clock says. */
      let typicalMillis = 0

      const timed = <A>(work: () => Promise<A>): Effect.Effect<A> =>
        Effect.suspend(() => {
          const began = performance.now()
          return Effect.promise(work).pipe(
            Effect.tap(() =>
              Effect.sync(() => {
                const took = performance.now() - began
                options.counts?.seconds.observe(took / 1000)
                typicalMillis = typicalMillis === 0 ? took / share : typicalMillis * 0.8 + (took / share) * 0.2
              })
            )
          )
        })

      /** On a thread that has nothing to do: whoever holds a permit finds one. */
      const onThread = (job: HashJob, waited: boolean): Effect.Effect<string | boolean> =>
        Effect.suspend(() => {
          const thread = idle.pop() ?? new HashThread()
          return (waited ? Effect.promise(() => thread.rested(share)) : Effect.void).pipe(
            Effect.andThen(timed(() => thread.run(job))),
            Effect.ensuring(Effect.sync(() => idle.push(thread)))
          )
        })

      const bounded = (job: HashJob): Effect.Effect<string | boolean, HasherOverloaded> =>
        Effect.suspend(() => {
          if (underWay >= capacity) {
            if (options.counts !== undefined) options.counts.refused += 1
            const turns = Math.ceil((underWay - concurrency + 1) / concurrency)
            return Effect.fail(new HasherOverloaded({ retryAfterMs: Math.max(1, Math.ceil(turns * typicalMillis)) }))
          }
          const waits = underWay >= concurrency
          count(1)
          // A hash that has begun cannot be stopped: its permit is kept to its end, or more than `concurrency` would run.
          return permits
            .withPermits(1)(Effect.uninterruptible(onThread(job, waits)))
            .pipe(
              Effect.ensuring(
                Effect.sync(() => {
                  count(-1)
                })
              )
            )
        })

      const dummyHash = yield* timed(() => bcryptHash(randomBytes(32).toString("base64url"), { cost }))

      return {
        dummyHash,
        hash: Effect.fn("PasswordHasher.hash")((password) =>
          bounded({ password: Redacted.value(password), cost, hash: undefined }).pipe(Effect.map(String))
        ),
        verify: Effect.fn("PasswordHasher.verify")((password, hash) => {
          const text = Redacted.value(password)
          const possible = Buffer.byteLength(text, "utf8") <= maxPasswordBytes && isHash(hash)
          // What can only be wrong takes as long as what might be right.
          return bounded({ password: text, cost, hash: possible ? hash : dummyHash }).pipe(
            Effect.map((matches) => possible && matches === true)
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
