import type { Principal, SessionId } from "./Account.ts"
import { Meanwhile } from "./Meanwhile.ts"

/** A token that was found good is believed for so long: how late a session is refused that somebody ends in the store itself. */
const believedMillis = 1_000

/** So many tokens at most; past it the one found first is forgotten. */
const capacity = 4_096

interface Recent {
  readonly principal: Principal
  /** Milliseconds since 1970 UTC. */
  readonly until: number
}

/**
 * Access tokens that the store vouched for a moment ago: a crowd of requests asks it once a second a token. Whatever this process changes about a
 * session is told here (`forget`), so that it counts at once.
 */
export class RecentTokens {
  readonly #recent = new Map<string, Recent>()
  /** A session has one current access token. */
  readonly #tokens = new Map<SessionId, string>()
  readonly #changed = new Meanwhile<SessionId>()

  find(token: string, now: number): Principal | undefined {
    const recent = this.#recent.get(token)
    return recent !== undefined && now < recent.until ? recent.principal : undefined
  }

  /** The store is asked from here on, until `answered`. */
  asking(): void {
    this.#changed.begin()
  }

  answered(): void {
    this.#changed.end()
  }

  /** What the store said while it was asked; not kept where the session was changed meanwhile. */
  keep(token: string, principal: Principal, now: number): void {
    const { expiresAt, sessionId } = principal
    if (this.#changed.has(sessionId)) return
    this.#drop(sessionId)
    if (this.#recent.size >= capacity) this.#forgetFirst()
    this.#recent.set(token, { principal, until: Math.min(now + believedMillis, expiresAt) })
    this.#tokens.set(sessionId, token)
  }

  forget(sessionId: SessionId): void {
    this.#changed.note(sessionId)
    this.#drop(sessionId)
  }

  #drop(sessionId: SessionId): void {
    const token = this.#tokens.get(sessionId)
    if (token === undefined) return
    this.#tokens.delete(sessionId)
    this.#recent.delete(token)
  }

  #forgetFirst(): void {
    for (const [token, { principal }] of this.#recent) {
      this.#recent.delete(token)
      this.#tokens.delete(principal.sessionId)
      return
    }
  }
}
