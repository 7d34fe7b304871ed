import { Context, Schema } from "effect"
import type { Effect, Scope } from "effect"

/** What was held is somebody else's by now, or was in between: this process must stop writing. */
export class OwnershipLost extends Schema.TaggedError<OwnershipLost>()("OwnershipLost", {
  detail: Schema.String
}) {
  override get message(): string {
    return `another process may own the journal now: ${this.detail}`
  }
}

/** It cannot be asked who owns the journal. `message` is the one line that start-up ends with. */
export class OwnershipUnavailable extends Schema.TaggedError<OwnershipUnavailable>()("OwnershipUnavailable", {
  message: Schema.String
}) {}

export interface Held {
  /** Fails when the ownership is lost; never succeeds. */
  readonly lost: Effect.Effect<never, OwnershipLost>
}

/**
 * One process owns a journal. The lock is the store's own, so that it ends with its holder, however that one ends; it keeps
 * two healthy processes apart. It is not the fence: a holder that was frozen and wakes up is refused by the journal (`Fenced`).
 *
 * An outage of that store is no loss: nobody can take over while it lasts. When it is back the holder takes the lock again, and
 * hears `lost` only where somebody was faster.
 */
export class Ownership extends Context.Service<
  Ownership,
  {
    /** Waits, as long as it takes, until this process is the owner; held until the scope ends. A free lock is had within 10 s. */
    readonly acquire: Effect.Effect<Held, OwnershipUnavailable, Scope.Scope>
    /** Who holds it while this process waits: for people (host, pid). `undefined` while nobody is known to. */
    readonly holder: () => string | undefined
  }
>()("parley/ports/Ownership") {}
