import type { Waiting } from "../../domain/ChatRoom.ts"
import type { Effect, Redacted } from "effect"
import type { EngineStats } from "../../domain/EngineStats.ts"
import type { GuestNames } from "../../domain/GuestNames.ts"
import type { Limits } from "../../domain/Limits.ts"
import type { MessageRate } from "../../domain/MessageRate.ts"
import type { ChatRoom } from "../../domain/ChatRoom.ts"
import type { RoomName, Seq } from "../../domain/Room.ts"
import type { RoomAccess } from "../../domain/RoomAccess.ts"
import type { WireFormat } from "../../domain/RoomTail.ts"
import type { Journal } from "../../ports/Journal.ts"
import type { MessageHistory } from "../../ports/MessageHistory.ts"
import type { RoomRegistry } from "../../domain/RoomRegistry.ts"
import type { TraceParent } from "../http/TraceParent.ts"
import type { CloseCode } from "./CloseCode.ts"
import type { Connection } from "./Connection.ts"
import type { WireLimits } from "./centrifuge/Limits.ts"
import type { Subscription } from "./RoomChannel.ts"

/** What the handshake, or the harness, knows of a newcomer, whatever its wire. */
export interface Newcomer {
  readonly address: string
  readonly token: Redacted.Redacted<string> | undefined
  /** The caller's span, which its messages go on with. */
  readonly caller?: TraceParent | undefined
}

/** The same on the classic wire. `since` and `history` exclude each other. */
export interface Opening extends Newcomer {
  readonly room: RoomName
  /** A subscription token, for a private room. */
  readonly roomToken?: Redacted.Redacted<string> | undefined
  readonly since: number | undefined
  readonly epoch: string | undefined
  readonly history: number | undefined
}

/** What a wire's session needs of the engine. */
export interface Engine {
  readonly registry: RoomRegistry["Service"]
  readonly names: GuestNames["Service"]
  readonly rate: MessageRate
  readonly stats: EngineStats["Service"]
  readonly limits: Limits["Service"]
  readonly epoch: string
  readonly guests: "allow" | "deny"
  /** Milliseconds of a clock that nobody sets; since when is not said. */
  readonly now: () => number
  /** Milliseconds since 1970 UTC: what a token's end is compared with. */
  readonly wallClock: () => number
  /** The command with its trace, where messages are traced. */
  readonly traced: (waiting: Waiting, room: RoomName, connection: Connection) => Waiting
  readonly access: RoomAccess["Service"]
  readonly fork: (effect: Effect.Effect<void>) => void
  /** Makes the socket the account's: counted, closed with its session. `undefined`, or why not. */
  readonly authenticate: (
    connection: Connection,
    token: Redacted.Redacted<string>
  ) => Effect.Effect<CloseCode | undefined>
  /** Subscribes the socket to its one room from `cursor` on: at once where the room is awake, else by the effect. `undefined`, or why not. */
  readonly follow: (
    connection: Connection,
    room: RoomName,
    from: (head: Seq) => number,
    roomToken?: Redacted.Redacted<string>
  ) => CloseCode | undefined | Effect.Effect<CloseCode | undefined>
}

/** What a wire of many rooms a socket needs beside that. */
export interface ManyRooms extends Engine {
  readonly wireLimits: WireLimits
  readonly journal: Journal["Service"]
  readonly history: MessageHistory["Service"]
  /** Reads pages for sockets: so many at once, over all of them. */
  readonly paged: <A, E>(read: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** The socket's place in a room that was entered for it, on `wire`, after `cursor`; `undefined` where it has gone, or the room has. */
  readonly subscribe: (
    connection: Connection,
    room: ChatRoom,
    wire: WireFormat,
    cursor: number
  ) => Subscription | undefined
  readonly unsubscribe: (subscription: Subscription) => void
}
