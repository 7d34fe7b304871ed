import { Cause, Deferred, Effect, Exit } from "effect"
import type { Scope } from "effect"

/** From the signal to the exit, milliseconds: whatever is not closed by then is left to the operating system. */
const stopWithinMillis = 4_500

const signals = { SIGINT: 2, SIGTERM: 15 } as const

/** Something that nobody caught: the process is not to be trusted any more, but its sockets deserve a goodbye. */
export class Uncaught extends Error {
  override readonly name = "Uncaught"
}

/**
 * Runs the program as this process, with an exit code at its end: 0 when it ends or a signal ended it, 1 when it fails. `uncaught` fails at the first error that nobody caught:
 * the program races with it, so that it ends in order.
 *
 * The first SIGTERM or SIGINT interrupts the program: its scope closes, within 4.5 s. The second one ends the process at once.
 */
export const runProcess = <E>(
  program: (uncaught: Effect.Effect<never, Uncaught>) => Effect.Effect<void, E, Scope.Scope>,
  report: (cause: Cause.Cause<E>) => string
): void => {
  const uncaught = Deferred.makeUnsafe<never, Uncaught>()
  let stopping = false

  const stop = (code: number): void => {
    stopping = true
    setTimeout(() => {
      process.stderr.write("parley: not everything closed in time\n")
      process.exit(code)
    }, stopWithinMillis).unref()
  }

  const onUncaught = (error: unknown): void => {
    const failure = new Uncaught(error instanceof Error ? error.message : String(error), { cause: error })
    if (stopping) process.stderr.write(`parley: ${failure.message}\n`)
    else stop(1)
    Deferred.doneUnsafe(uncaught, Effect.fail(failure))
  }
  process.on("uncaughtException", onUncaught)
  process.on("unhandledRejection", onUncaught)

  const interruption = new AbortController()
  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => {
      if (stopping) process.exit(128 + number)
      stop(0)
      interruption.abort()
    })
  }

  const fiber = Effect.runFork(Effect.scoped(program(Deferred.await(uncaught))), { signal: interruption.signal })
  fiber.addObserver((exit) => {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) process.exit(0)
    process.stderr.write(report(exit.cause))
    process.exit(1)
  })
}
