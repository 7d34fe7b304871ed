import { Context } from "effect"
import type { Effect, Scope } from "effect"
import type { Server } from "node:http"

/**
 * The two `node:http` servers, not listening yet: whoever serves routes adds a `request` listener, whoever serves WebSockets an `upgrade`
 * listener (both servers take both), and then `listen` opens the doors. Where both ports are the same number, `api` and `socket` are the same server.
 */
export class HttpServers extends Context.Service<
  HttpServers,
  {
    readonly api: Server
    readonly socket: Server
    /** Binds both; closes both (idle connections at once) when the scope ends. Port 0 picks a free one. */
    readonly listen: Effect.Effect<{ readonly apiPort: number; readonly socketPort: number }, ListenError, Scope.Scope>
  }
>()("parley/adapters/http/HttpServers") {}

/** A port could not be had. `message` is the one line that start-up ends with. */
export interface ListenError {
  readonly _tag: "ListenError"
  readonly message: string
}
