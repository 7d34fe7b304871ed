import type { RoomName } from "../../../domain/Room.ts"
import type { Codec } from "./Codec.ts"
import type { ClientInfo, Outgoing } from "./Protocol.ts"

/** Members of a room up to which its presence is told as a whole, and joins and leaves are pushed at all; past it only figures are. */
const presenceUpTo = 1_000
/** Members up to which each join and leave is pushed at once; past it about once a second, what cancels out left out. */
const pushedAtOnceUpTo = 100

/** Pushes for many sockets: encoded once an encoding. */
export class Pushes {
  readonly #messages: ReadonlyArray<Outgoing>
  readonly #encoded = new Map<Codec, Uint8Array>()

  constructor(messages: ReadonlyArray<Outgoing>) {
    this.#messages = messages
  }

  encodedBy(codec: Codec): Uint8Array {
    let bytes = this.#encoded.get(codec)
    if (bytes === undefined) this.#encoded.set(codec, (bytes = codec.encode(this.#messages)))
    return bytes
  }
}

/** Who hears of joins and leaves; whoever cannot take them now misses them. */
export interface Watcher {
  readonly push: (pushes: Pushes) => void
}

class RoomPresence {
  readonly members = new Map<string, ClientInfo>()
  readonly users = new Map<string, number>()
  readonly watchers = new Set<Watcher>()
  /** By client: what is to be told of it. */
  pending = new Map<string, { readonly kind: "join" | "leave"; readonly info: ClientInfo }>()
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
  /** Rooms with joins and leaves that were not pushed yet. */
  readonly #late = new Set<RoomName>()

  join(room: RoomName, info: ClientInfo, watcher: Watcher | undefined): void {
    let presence = this.#rooms.get(room)
    if (presence === undefined) this.#rooms.set(room, (presence = new RoomPresence()))
    presence.members.set(info.client, info)
    presence.users.set(info.user, (presence.users.get(info.user) ?? 0) + 1)
    if (watcher !== undefined) presence.watchers.add(watcher)
    this.#announce(room, presence, "join", info)
  }

  leave(room: RoomName, client: string, watcher: Watcher): void {
    const presence = this.#rooms.get(room)
    const info = presence?.members.get(client)
    if (presence === undefined || info === undefined) return
    presence.members.delete(client)
    presence.watchers.delete(watcher)
    const left = (presence.users.get(info.user) ?? 0) - 1
    if (left > 0) presence.users.set(info.user, left)
    else presence.users.delete(info.user)
    if (presence.members.size === 0) {
      this.#rooms.delete(room)
      this.#late.delete(room)
    } else this.#announce(room, presence, "leave", info)
  }

  /** `undefined` where there are too many to be told. */
  membersOf(room: RoomName): Readonly<Record<string, ClientInfo>> | undefined {
    const members = this.#rooms.get(room)?.members
    if (members === undefined) return {}
    return members.size > presenceUpTo ? undefined : Object.fromEntries(members)
  }

  figuresOf(room: RoomName): PresenceFigures {
    const presence = this.#rooms.get(room)
    return { num_clients: presence?.members.size ?? 0, num_users: presence?.users.size ?? 0 }
  }

  /** About once a second: what large rooms were not told at once. */
  flush(): void {
    for (const room of this.#late) {
      const presence = this.#rooms.get(room)
      if (presence === undefined) continue
      const messages = Array.from(presence.pending.values(), ({ info, kind }) => pushOf(room, kind, info))
      presence.pending = new Map()
      if (messages.length === 0) continue
      const pushes = new Pushes(messages)
      for (const watcher of presence.watchers) watcher.push(pushes)
    }
    this.#late.clear()
  }

  #announce(room: RoomName, presence: RoomPresence, kind: "join" | "leave", info: ClientInfo): void {
    if (presence.watchers.size === 0 || presence.members.size > presenceUpTo) return
    if (presence.members.size <= pushedAtOnceUpTo && presence.pending.size === 0) {
      const pushes = new Pushes([pushOf(room, kind, info)])
      for (const watcher of presence.watchers) watcher.push(pushes)
      return
    }
    // A join and a leave of one connection come to nothing.
    if (!presence.pending.delete(info.client)) presence.pending.set(info.client, { kind, info })
    this.#late.add(room)
  }
}

const pushOf = (channel: RoomName, kind: "join" | "leave", info: ClientInfo): Outgoing => ({
  push: { channel, [kind]: { info } }
})
