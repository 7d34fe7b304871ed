import { Context } from "effect"
import type { Effect, Scope } from "effect"
import type { SessionId } from "../domain/Account.ts"

/** What whoever holds sockets must hear of at once. */
export type SessionSignal =
  /** Close this session's sockets and take nothing more from them. */
  | {
      readonly _tag: "SessionEnded"
      readonly sessionId: SessionId
      readonly reason: "logout" | "revoked" | "replayed" | "expired"
    }
  /** The name now belongs to an account: guests may not use it any more. */
  | { readonly _tag: "NameClaimed"; readonly username: string }

/**
 * Revocations and claimed names reach every node that holds a socket.
 *
 * `publish` completes after every subscriber **of this process** was called, synchronously and in order of subscription: so a reply
 * that is sent after it comes after the sockets' end. Other nodes hear within a second. A subscriber must not throw.
 */
export class SessionSignals extends Context.Service<
  SessionSignals,
  {
    readonly publish: (signal: SessionSignal) => Effect.Effect<void>
    readonly subscribe: (subscriber: (signal: SessionSignal) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("parley/ports/SessionSignals") {}
