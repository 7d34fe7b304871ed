import { Deferred, Effect, Layer } from "effect"
import { Ownership, OwnershipLost, OwnershipUnavailable } from "../../ports/Ownership.ts"
import { databaseUnusable } from "./DatabaseUnusable.ts"
import { lockSession, pingMillisOf } from "./LockSession.ts"
import type { LockOptions, LockSession } from "./LockSession.ts"

/** How long one question for the lock waits at the server; between two of them it is looked who has it. */
const askSeconds = 1
const retryMillis = 500
/** So much later than its owner does a process that stands by ask for the lock after an outage of the server. */
const graceMillis = 3_000

/**
 * Ownership by a lock of the server (`GET_LOCK`), held by a connection of its own. It ends with the connection: when the process
 * dies, when it says nothing for `silenceSeconds` (a frozen process, a host that vanished), when the server restarts.
 *
 * The table `parley_owner` says who holds it. A token in it tells an owner that lost its connection whether somebody else has had
 * the lock since; if not, it takes the lock again and goes on.
 */
export const layer = (options: LockOptions): Layer.Layer<Ownership> =>
  Layer.sync(Ownership, () => {
    let holder: string | undefined
    return {
      acquire: Effect.gen(function* () {
        const session = yield* lockSession(options)
        yield* session.connect.pipe(
          Effect.mapError(
            (fault) => new OwnershipUnavailable({ message: databaseUnusable(options, fault.cause).message })
          )
        )
        yield* standBy(session, (seen) => (holder = seen))
        const lost = yield* Deferred.make<never, OwnershipLost>()
        yield* Effect.forkScoped(
          Effect.catch(keep(session, pingMillisOf(options)), (error) => Deferred.fail(lost, error))
        )
        return { lost: Deferred.await(lost) }
      }),
      holder: () => holder
    }
  })

/** Until the lock is this session's and the table says so. */
const standBy = (session: LockSession, saw: (holder: string | undefined) => void): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!(yield* session.tryLock(askSeconds))) saw((yield* session.owner)?.holder)
    yield* session.announce
    saw(undefined)
  }).pipe(
    Effect.catch(() =>
      Effect.sleep(retryMillis).pipe(
        Effect.andThen(session.connect),
        Effect.eventually,
        Effect.andThen(Effect.sleep(graceMillis)),
        Effect.andThen(Effect.suspend(() => standBy(session, saw)))
      )
    )
  )

/** Shows that the owner lives. Fails when somebody else has become it. */
const keep = (session: LockSession, pingMillis: number): Effect.Effect<never, OwnershipLost> =>
  Effect.gen(function* () {
    yield* Effect.sleep(pingMillis)
    const mine = yield* Effect.catch(session.hasLock, () => Effect.succeed(false))
    if (!mine) yield* regain(session)
  }).pipe(Effect.forever)

/** Takes the lock again after the connection was lost, however long the server is away. */
const regain = (session: LockSession): Effect.Effect<void, OwnershipLost> =>
  Effect.gen(function* () {
    yield* session.connect
    while (true) {
      const got = yield* session.tryLock(0)
      const owner = yield* session.owner
      if (!session.isAnnounced(owner)) {
        return yield* new OwnershipLost({ detail: owner?.holder ?? "it has come and gone" })
      }
      if (got) return undefined
      // The connection that was lost still has it, until the server notices.
      yield* Effect.sleep(retryMillis)
    }
  }).pipe(
    Effect.catchTag("ConnectionFault", () =>
      Effect.andThen(
        Effect.sleep(retryMillis),
        Effect.suspend(() => regain(session))
      )
    )
  )
