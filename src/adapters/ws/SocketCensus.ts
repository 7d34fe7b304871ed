import type { Principal, SessionId } from "../../domain/Account.ts"
import type { Connection } from "./Connection.ts"

const noConnections: ReadonlySet<Connection> = new Set()

const addTo = <K>(map: Map<K, Set<Connection>>, key: K, connection: Connection): void => {
  const known = map.get(key)
  if (known === undefined) map.set(key, new Set([connection]))
  else known.add(connection)
}

const removeFrom = <K>(map: Map<K, Set<Connection>>, key: K, connection: Connection): void => {
  const known = map.get(key)
  if (known?.delete(connection) === true && known.size === 0) map.delete(key)
}

/** Who holds which sockets: by address, by user, by session. Limits of 0 are none. */
export class SocketCensus {
  readonly #perUser: number
  readonly #perAddress: number
  readonly #addresses = new Map<string, number>()
  /** By username, which an account keeps. */
  readonly #users = new Map<string, Set<Connection>>()
  readonly #sessions = new Map<SessionId, Set<Connection>>()

  constructor(options: { readonly socketsPerUser: number; readonly socketsPerAddress: number }) {
    this.#perUser = options.socketsPerUser
    this.#perAddress = options.socketsPerAddress
  }

  hasRoom(address: string): boolean {
    return this.#perAddress === 0 || (this.#addresses.get(address) ?? 0) < this.#perAddress
  }

  enter({ address }: Connection): void {
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1)
  }

  /** Makes the socket this account's; false where the user has too many. A socket that is already his keeps its place. */
  admit(connection: Connection, principal: Principal): boolean {
    const his = this.#users.get(principal.username)
    const counted = his?.has(connection) === true
    if (!counted && this.#perUser > 0 && (his?.size ?? 0) >= this.#perUser) return false
    if (connection.principal !== undefined) removeFrom(this.#sessions, connection.principal.sessionId, connection)
    addTo(this.#users, principal.username, connection)
    addTo(this.#sessions, principal.sessionId, connection)
    connection.principal = principal
    return true
  }

  leave(connection: Connection): void {
    const { address, principal } = connection
    const left = (this.#addresses.get(address) ?? 0) - 1
    if (left > 0) this.#addresses.set(address, left)
    else this.#addresses.delete(address)
    if (principal === undefined) return
    removeFrom(this.#users, principal.username, connection)
    removeFrom(this.#sessions, principal.sessionId, connection)
  }

  /** The sessions that hold sockets. */
  get sessions(): ReadonlyArray<SessionId> {
    return Array.from(this.#sessions.keys())
  }

  /** Accounts that hold sockets. */
  get users(): number {
    return this.#users.size
  }

  ofUser(username: string): ReadonlySet<Connection> {
    return this.#users.get(username) ?? noConnections
  }

  ofSession(sessionId: SessionId): ReadonlySet<Connection> {
    return this.#sessions.get(sessionId) ?? noConnections
  }
}
