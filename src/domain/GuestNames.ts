import { Context, Effect, Layer } from "effect"
import { SessionSignals } from "../ports/SessionSignals.ts"
import { Users } from "../ports/Users.ts"
import type { StoreUnavailable } from "../ports/Users.ts"
import { Meanwhile } from "./Meanwhile.ts"
import { makePermit } from "./Permit.ts"
import type { Permit } from "./Permit.ts"
import { nameReserved, nameTaken } from "./Rejection.ts"
import { isReserved } from "./ReservedNames.ts"

/** Free names remembered at once; past it the one asked for longest ago is asked for again. */
const maxNames = 10_000

/**
 * Which names guests speak under. A name that an account has is refused; one that is registered while a guest uses it is withdrawn from him
 * before the registration is answered.
 */
export class GuestNames extends Context.Service<
  GuestNames,
  {
    /** The permit where the name is known to be free: no look-up. */
    readonly known: (name: string) => Permit | undefined
    /** Asks the user store. The permit says itself whether it holds. */
    readonly permit: (name: string) => Effect.Effect<Permit, StoreUnavailable>
  }
>()("parley/domain/GuestNames") {
  static readonly layer = Layer.effect(
    GuestNames,
    Effect.gen(function* () {
      const users = yield* Users
      const signals = yield* SessionSignals
      const free = new Map<string, Permit>()
      /** Names claimed while a look-up is under way: taken, whatever the store answers it. */
      const claimed = new Meanwhile<string>()

      yield* signals.subscribe((signal) => {
        if (signal._tag !== "NameClaimed") return
        claimed.note(signal.username)
        const permit = free.get(signal.username)
        if (permit !== undefined) permit.revoked = nameTaken
        free.delete(signal.username)
      })

      const remember = (name: string, permit: Permit) => {
        free.delete(name)
        free.set(name, permit)
        for (const oldest of free.keys()) {
          if (free.size <= maxNames) break
          free.delete(oldest)
        }
        return permit
      }

      const lookUp = (name: string) =>
        Effect.suspend(() => {
          claimed.begin()
          return users.findByUsername(name)
        }).pipe(
          Effect.map((user) => user._tag === "Some" || claimed.has(name)),
          Effect.ensuring(Effect.sync(() => claimed.end()))
        )

      const permit = Effect.fnUntraced(function* (name: string) {
        if (!isGuestName(name) || isReserved(name)) return { revoked: nameReserved }
        const taken = free.has(name) ? false : yield* lookUp(name)
        // Another look-up may have been faster: one permit a name, so that a claim reaches all who hold it.
        return taken ? { revoked: nameTaken } : remember(name, free.get(name) ?? makePermit())
      })

      return { known: (name) => free.get(name), permit }
    })
  )
}

/** 1–64 characters, none a control character, a line separator or half of a surrogate pair, no blank at either end. */
const isGuestName = (name: string): boolean =>
  /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,64}$/u.test(name) && name.trim() === name
