import type { RoomName } from "../../../domain/Room.ts"
import type { Codec } from "./Codec.ts"
import type { ClientInfo, Outgoing } from "./Protocol.ts"

/** Members of a room up to which its presence is told as a whole, and joins and leaves are pushed at all; past it only figures are. */
const presenceUpTo = 1_000
/** Members up to which each join and leave is pushed at once; past it about once a second, what cancels out left out. */
const pushedAtOnceUpTo = 100
/** Clients that somebody may know of in a room that waits to be told; past it the next who reads its presence does not wait. */
const knownUpTo = 4 * presenceUpTo

type Members = ReadonlyMap<string, ClientInfo>

/** Pushes of one room for many sockets: encoded once an encoding. */
export class Pushes {
  readonly room: RoomName
  readonly #messages: ReadonlyArray<Outgoing>
  readonly #encoded = new Map<Codec, Uint8Array>()

  constructor(room: RoomName, messages: ReadonlyArray<Outgoing>) {
    this.room = room
    this.#messages = messages
  }

  encodedBy(codec: Codec): Uint8Array {
    let bytes = this.#encoded.get(codec)
    if (bytes === undefined) this.#encoded.set(codec, (bytes = codec.encode(this.#messages)))
    return bytes
  }
}

/** Who hears of joins and leaves. What it cannot take now it is not told again: it has to begin anew. */
export interface Watcher {
  readonly push: (pushes: Pushes) => void
}

/**
 * Whom the watchers of a room know of, from the first change that they were not told of until they are told. Holds nothing for each join and leave: at most
 * `presenceUpTo` clients, and as many more for each reading, up to `knownUpTo` and one reading.
 */
class Known {
  /** Whoever is not there is told to have left. */
  readonly #bySome: Map<string, ClientInfo>
  /** Whoever else is there is told to have joined. */
  readonly #byAll: Set<string>

  constructor(members: Members) {
    this.#bySome = new Map(members)
    this.#byAll = new Set(members.keys())
  }

  get size(): number {
    return this.#bySome.size
  }

  /** Somebody read who is there now. */
  read(members: Members): void {
    for (const [client, info] of members) this.#bySome.set(client, info)
    for (const client of this.#byAll) if (!members.has(client)) this.#byAll.delete(client)
  }

  /** What makes all of them right. A client that came and went meanwhile is in neither. */
  changes(room: RoomName, members: Members): ReadonlyArray<Outgoing> {
    const changes: Array<Outgoing> = []
    for (const [client, info] of members) if (!this.#byAll.has(client)) changes.push(pushOf(room, "join", info))
    for (const [client, info] of this.#bySome) if (!members.has(client)) changes.push(pushOf(room, "leave", info))
    return changes
  }
}

class RoomPresence {
  readonly members = new Map<string, ClientInfo>()
  readonly users = new Map<string, number>()
  readonly watchers = new Set<Watcher>()
  /** While the watchers were not told of everything. */
  known: Known | undefined
}

export interface PresenceFigures {
  readonly num_clients: number
  readonly num_users: number
}

/**
 * Who is in which room, in memory: a connection is a client, accounts (and all guests together, whose `user` is empty) are users. Costs what the subscriptions of this wire cost.
 */
export class Presence {
  readonly #rooms = new Map<RoomName, RoomPresence>()
  /** Rooms whose watchers were not told of everything. */
  readonly #late = new Set<RoomName>()

  join(room: RoomName, info: ClientInfo, watcher: Watcher | undefined): void {
    let presence = this.#rooms.get(room)
    if (presence === undefined) this.#rooms.set(room, (presence = new RoomPresence()))
    if (watcher !== undefined) presence.watchers.add(watcher)
    const atOnce = this.#isToldAtOnce(room, presence, presence.members.size + 1)
    presence.members.set(info.client, info)
    presence.users.set(info.user, (presence.users.get(info.user) ?? 0) + 1)
    if (atOnce) push(room, presence, [pushOf(room, "join", info)])
  }

  leave(room: RoomName, client: string, watcher: Watcher): void {
    const presence = this.#rooms.get(room)
    const info = presence?.members.get(client)
    if (presence === undefined || info === undefined) return
    presence.watchers.delete(watcher)
    const atOnce = this.#isToldAtOnce(room, presence, presence.members.size - 1)
    presence.members.delete(client)
    const left = (presence.users.get(info.user) ?? 0) - 1
    if (left > 0) presence.users.set(info.user, left)
    else presence.users.delete(info.user)
    if (presence.members.size === 0) this.#rooms.delete(room)
    if (atOnce) push(room, presence, [pushOf(room, "leave", info)])
  }

  /** `undefined` where there are too many to be told. Whoever reads it is right from then on if he hears of joins and leaves. */
  membersOf(room: RoomName): Readonly<Record<string, ClientInfo>> | undefined {
    const presence = this.#rooms.get(room)
    if (presence === undefined) return {}
    const { known, members } = presence
    if (members.size > presenceUpTo) return undefined
    // A room that is over the bound whenever it could be told, and is read while it is not, would gather without an end.
    if (known !== undefined && known.size > knownUpTo) this.#tell(room, presence, known)
    else known?.read(members)
    return Object.fromEntries(members)
  }

  figuresOf(room: RoomName): PresenceFigures {
    const presence = this.#rooms.get(room)
    return { num_clients: presence?.members.size ?? 0, num_users: presence?.users.size ?? 0 }
  }

  /** About once a second: what large rooms were not told at once. Those over the bound wait until they are below it. */
  flush(): void {
    for (const room of this.#late) {
      const presence = this.#rooms.get(room)
      if (presence?.known === undefined || presence.members.size > presenceUpTo) continue
      this.#tell(room, presence, presence.known)
    }
  }

  #tell(room: RoomName, presence: RoomPresence, known: Known): void {
    presence.known = undefined
    this.#late.delete(room)
    const changes = known.changes(room, presence.members)
    if (changes.length > 0) push(room, presence, changes)
  }

  /** Before each change: whether there is anybody to be told of it now. Remembers whom they know of where they are told later. */
  #isToldAtOnce(room: RoomName, presence: RoomPresence, sizeAfter: number): boolean {
    if (presence.watchers.size === 0) {
      presence.known = undefined
      this.#late.delete(room)
      return false
    }
    if (presence.known !== undefined) return false
    if (sizeAfter <= pushedAtOnceUpTo) return true
    // Over the bound already and nothing remembered: its first watcher, who knows nobody.
    presence.known = new Known(presence.members.size > presenceUpTo ? new Map() : presence.members)
    this.#late.add(room)
    return false
  }
}

const push = (room: RoomName, { watchers }: RoomPresence, messages: ReadonlyArray<Outgoing>): void => {
  const pushes = new Pushes(room, messages)
  for (const watcher of watchers) watcher.push(pushes)
}

const pushOf = (channel: RoomName, kind: "join" | "leave", info: ClientInfo): Outgoing => ({
  push: { channel, [kind]: { info } }
})
