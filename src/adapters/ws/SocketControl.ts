import type { RoomName } from "../../domain/Room.ts"
import type { WireFormat } from "../../domain/RoomTail.ts"
import type { Presence } from "./centrifuge/Presence.ts"
import { forbidden } from "./CloseCode.ts"
import type { CloseCode } from "./CloseCode.ts"
import type { Connection } from "./Connection.ts"
import type { RoomChannel } from "./RoomChannel.ts"
import type { SocketCensus } from "./SocketCensus.ts"

/** Whose sockets are meant: an account's, or with `""` the guests'; of those one client's or one session's, where it is named. */
export interface Whose {
  readonly user: string
  readonly client?: string | undefined
  readonly session?: string | undefined
  /** Clients that are spared. */
  readonly spared?: ReadonlyArray<string> | undefined
}

export interface SocketFigures {
  readonly sockets: number
  /** Accounts; all guests together are one more. */
  readonly users: number
  /** Rooms that somebody is subscribed to, and subscriptions. */
  readonly rooms: number
  readonly subscriptions: number
}

/** What an unsubscribed client of many rooms is told: below 2500 it does not subscribe again by itself. */
const unsubscribedByServer: CloseCode = { code: 2_000, reason: "server unsubscribe" }

interface Sockets {
  readonly connections: ReadonlySet<Connection>
  readonly channels: ReadonlyMap<WireFormat, ReadonlyMap<RoomName, RoomChannel>>
  readonly census: SocketCensus
  readonly presence: Presence
}

/** What somebody who is no client may see of the live sockets, of both wires, and do to them. Walks over them: for whoever asks now and then. */
export class SocketControl {
  readonly #sockets: Sockets

  constructor(sockets: Sockets) {
    this.#sockets = sockets
  }

  /** Closes them with `code`; how many there were. A good token opens another: whoever must stay out has his session ended, too. */
  disconnect(whose: Whose, code: CloseCode): number {
    const meant = this.#of(whose)
    for (const connection of meant) connection.close(code)
    return meant.length
  }

  /** Ends their place in the room, or in every room; how many there were. A socket of the classic wire has only one, and is closed (4505). */
  unsubscribe(whose: Whose, room: RoomName | undefined): number {
    let ended = 0
    for (const connection of this.#of(whose)) {
      if (connection.caretaker !== undefined) {
        ended += connection.caretaker.unsubscribed(room, unsubscribedByServer)
        continue
      }
      const place = connection.subscriptions
      if (place === undefined || (room !== undefined && place.channel.room.name !== room)) continue
      connection.close(forbidden)
      ended += 1
    }
    return ended
  }

  /** Rooms that somebody is subscribed to, private ones among them, each with how many sockets. */
  rooms(): ReadonlyMap<RoomName, number> {
    const rooms = new Map<RoomName, number>()
    for (const ofWire of this.#sockets.channels.values()) {
      for (const [name, { size }] of ofWire) if (size > 0) rooms.set(name, (rooms.get(name) ?? 0) + size)
    }
    return rooms
  }

  figures(): SocketFigures {
    const { census, connections } = this.#sockets
    const rooms = this.rooms()
    const isAnyGuest = Array.from(connections).some(({ principal }) => principal === undefined)
    return {
      sockets: connections.size,
      users: census.users + (isAnyGuest ? 1 : 0),
      rooms: rooms.size,
      subscriptions: Array.from(rooms.values()).reduce((sum, size) => sum + size, 0)
    }
  }

  get presence(): Pick<Presence, "membersOf" | "figuresOf"> {
    return this.#sockets.presence
  }

  #of({ client, session, spared = [], user }: Whose): ReadonlyArray<Connection> {
    const { census, connections } = this.#sockets
    const his = user === "" ? connections : census.ofUser(user)
    return Array.from(his).filter(({ caretaker, principal }) => {
      if (principal === undefined ? user !== "" : user === "") return false
      if (client !== undefined && caretaker?.client !== client) return false
      if (session !== undefined && principal?.sessionId !== session) return false
      return caretaker === undefined || !spared.includes(caretaker.client)
    })
  }
}
