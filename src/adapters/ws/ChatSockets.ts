import { Clock, Context, Effect, FiberSet, Layer, Semaphore } from "effect"
import type { Redacted } from "effect"
import type { Principal, SessionId } from "../../domain/Account.ts"
import { countClosed, EngineStats } from "../../domain/EngineStats.ts"
import { GuestNames } from "../../domain/GuestNames.ts"
import { Limits } from "../../domain/Limits.ts"
import { Meanwhile } from "../../domain/Meanwhile.ts"
import { MessageRate } from "../../domain/MessageRate.ts"
import { isPrivate, Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import { mayEnter, RoomAccess } from "../../domain/RoomAccess.ts"
import { sessionEnded } from "../../domain/Rejection.ts"
import { RoomRegistry } from "../../domain/RoomRegistry.ts"
import type { WireFormat } from "../../domain/RoomTail.ts"
import { Sessions } from "../../domain/Sessions.ts"
import type { InvalidToken } from "../../domain/Sessions.ts"
import { Journal } from "../../ports/Journal.ts"
import { MessageHistory } from "../../ports/MessageHistory.ts"
import { SessionSignals } from "../../ports/SessionSignals.ts"
import { crowdLog } from "../observability/CrowdLog.ts"
import { CurrentTracing } from "../observability/Tracing.ts"
import type { CloseCode } from "./CloseCode.ts"
import * as Close from "./CloseCode.ts"
import { ClassicSession } from "./classic/ClassicSession.ts"
import { classicWire } from "./classic/ClassicWire.ts"
import { CentrifugeSession } from "./centrifuge/CentrifugeSession.ts"
import type { CentrifugeOpening } from "./centrifuge/CentrifugeSession.ts"
import { defaultWireLimits } from "./centrifuge/Limits.ts"
import type { WireLimits } from "./centrifuge/Limits.ts"
import { Presence } from "./centrifuge/Presence.ts"
import type { Engine, ManyRooms, Opening } from "./Engine.ts"
import { Connection } from "./Connection.ts"
import { makeMessageTraces } from "./MessageTraces.ts"
import { catchUpPage, RoomChannel } from "./RoomChannel.ts"
import type { Subscription } from "./RoomChannel.ts"
import { SocketCensus } from "./SocketCensus.ts"
import { SocketControl } from "./SocketControl.ts"
import { goodbyeMillis } from "./Transport.ts"
import type { Transport, TransportEvents } from "./Transport.ts"

export interface ChatSocketsOptions {
  /** `deny`: whoever brings no token within `authTimeoutMillis` is closed. */
  readonly guests: "allow" | "deny"
  /** Frames a second and at once, of a user over all his sockets, of guests by address; 0 a second is no limit. */
  readonly messageRate: number
  readonly messageBurst: number
  /** Sockets of one user, and of one address; 0 is no limit. */
  readonly socketsPerUser: number
  readonly socketsPerAddress: number
  /** Of Centrifugo's protocol; what is left out is its default. */
  readonly wireLimits?: Partial<WireLimits>
}

const authTimeoutMillis = 5_000
/** A peer that gives no sign of life is gone after so long, its connection, too. */
const goneMillis = 30_000
const pingEveryMillis = 17_000
/** A full socket that drains no byte for so long is cut. */
const stallMillis = 5_000
const sweepMillis = 1_000
/** What comes after the deadline is part of it: the look that finds it, which may be late itself, and the goodbye that nobody answers. */
const pongWithinMillis = goneMillis - goodbyeMillis - 2 * sweepMillis
/** How late a socket ends whose session was ended in the store itself, by an operator or another process. */
const lostEvery = "900 millis"
/** Pages that sockets behind the tail read from the journal at once, over all rooms. */
const pageReaders = 8
const goodbyesATurn = 20
/** How long a stop waits for rooms to commit what was taken in, and for peers to say goodbye. */
const drainMillis = 2_000

/**
 * Every socket of this process, whatever brought it. Sockets end with their session before its end is answered; tokens, heartbeats and stalled readers are looked after about once
 * a second.
 */
export class ChatSockets extends Context.Service<
  ChatSockets,
  {
    /** Whether one more socket may come from this address. */
    readonly admits: (address: string) => "yes" | "too many of this address" | "draining"
    /** Takes a socket over; what it sends and gets is the classic wire's. */
    readonly acceptClassic: (transport: Transport, opening: Opening) => TransportEvents
    /** The same for Centrifugo's client protocol. */
    readonly acceptCentrifuge: (transport: Transport, opening: CentrifugeOpening) => TransportEvents
    /** For whoever is no client: a look at the sockets, and an end to some. */
    readonly control: SocketControl
    /**
     * Takes no more sockets and nothing more from those it has, waits (2 s at most) until what was taken in is committed and on its way, and says goodbye
     * (1012). The end of the layer does it, too; earlier is for whoever keeps other doors open meanwhile.
     */
    readonly drain: Effect.Effect<void>
  }
>()("parley/adapters/ws/ChatSockets") {
  static readonly layer = (options: ChatSocketsOptions) => Layer.effect(ChatSockets, make(options))
}

const closeOf = (reason: InvalidToken["reason"]): CloseCode =>
  reason === "expired"
    ? Close.tokenExpired
    : reason === "revoked" || reason === "replayed"
      ? Close.loggedOut
      : Close.badToken

const make = Effect.fnUntraced(function* (options: ChatSocketsOptions) {
  const registry = yield* RoomRegistry
  const sessions = yield* Sessions
  const names = yield* GuestNames
  const journal = yield* Journal
  const history = yield* MessageHistory
  const access = yield* RoomAccess
  const signals = yield* SessionSignals
  const stats = yield* EngineStats
  const limits = yield* Limits
  const tracing = yield* CurrentTracing
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const log = yield* crowdLog
  const pages = yield* Semaphore.make(pageReaders)

  const connections = new Set<Connection>()
  /** By wire: one that nobody speaks has none. */
  const channels = new Map<WireFormat, Map<RoomName, RoomChannel>>()
  const presence = new Presence()
  const census = new SocketCensus(options)
  const ended = new Meanwhile<SessionId>()
  /** What counts how long something lasts: a wall clock that is set leaves every socket as it is. */
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let draining = false

  const readPage = (subscription: Subscription) => {
    const { channel } = subscription
    fork(
      pages
        .withPermits(1)(
          Effect.suspend(() =>
            subscription.connection.open
              ? journal.read(channel.room.name, Seq.make(subscription.cursor), catchUpPage)
              : Effect.succeed([])
          )
        )
        .pipe(
          Effect.map((entries) => channel.page(subscription, entries)),
          Effect.catch((error) =>
            Effect.sync(() => subscription.held && subscription.connection.close(Close.overloaded)).pipe(
              Effect.andThen(Effect.logWarning("A socket could not catch up from the journal", error.detail))
            )
          )
        )
    )
  }

  /** Its place in the room is given up already. */
  const depart = ({ channel }: Subscription) => {
    if (channel.size === 0) {
      const ofWire = channels.get(channel.wire)
      if (ofWire?.get(channel.room.name) === channel) ofWire.delete(channel.room.name)
      channel.room.followers.delete(channel)
    }
    registry.leave(channel.room)
  }

  /** A wire of many rooms names none, and of a private one nobody learns the name. */
  const logBegin = ({ address, caller, number }: Connection, room: RoomName | undefined) =>
    log("info", "connection opened", {
      traceId: caller?.traceId,
      connection: number,
      address,
      room: room === undefined || isPrivate(room) ? undefined : room
    })

  const logEnd = ({ caller, number, openedAt, principal }: Connection, code: CloseCode | undefined) =>
    log("info", "connection closed", {
      traceId: caller?.traceId,
      connection: number,
      millis: Math.round(now() - openedAt),
      code: code?.code,
      reason: code?.reason,
      userId: principal?.userId,
      username: principal?.username
    })

  const closed = (connection: Connection, code: CloseCode | undefined) => {
    connections.delete(connection)
    census.leave(connection)
    stats.sockets = connections.size
    countClosed(stats, code?.code)
    logEnd(connection, code)
    if (code === Close.tooSlow) stats.socketsTooSlow += 1
    for (let place = connection.subscriptions; place !== undefined; place = place.next) depart(place)
    connection.caretaker?.ended()
  }

  /** The room was entered for this socket. */
  const subscribe: ManyRooms["subscribe"] = (connection, room, wire, cursor) => {
    if (!connection.open) {
      registry.leave(room)
      return undefined
    }
    let ofWire = channels.get(wire)
    if (ofWire === undefined) channels.set(wire, (ofWire = new Map<RoomName, RoomChannel>()))
    let channel = ofWire.get(room.name)
    // A room that was lost and read anew is another object; the old one's sockets were told to go.
    if (channel === undefined || channel.room !== room) {
      channel = new RoomChannel(room, { wire, stats, readPage })
      ofWire.set(room.name, channel)
      room.followers.add(channel)
    }
    return channel.join(connection, cursor)
  }

  const unsubscribe: ManyRooms["unsubscribe"] = (subscription) => {
    if (!subscription.held) return
    subscription.channel.leave(subscription)
    subscription.connection.forget(subscription)
    depart(subscription)
  }

  const enter = (
    connection: Connection,
    name: RoomName,
    from: (head: Seq) => number
  ): CloseCode | undefined | Effect.Effect<CloseCode | undefined> => {
    const awake = registry.enterAwake(name)
    if (awake !== undefined) {
      subscribe(connection, awake, classicWire, from(awake.published))
      return undefined
    }
    return registry.enter(name).pipe(
      Effect.map((room) => {
        subscribe(connection, room, classicWire, from(room.published))
        return undefined
      }),
      Effect.catch((error) =>
        Effect.logWarning("A room could not be read", error.detail).pipe(Effect.as<CloseCode>(Close.overloaded))
      )
    )
  }

  const follow: Engine["follow"] = (connection, name, from, roomToken) => {
    const who = connection.principal ?? "guest"
    if (roomToken === undefined) return mayEnter(who, name) ? enter(connection, name, from) : Close.forbidden
    return access.enter(who, name, roomToken).pipe(
      Effect.flatMap(({ until }) => {
        connection.roomUntil = until
        const entering = enter(connection, name, from)
        return Effect.isEffect(entering) ? entering : Effect.succeed(entering)
      }),
      Effect.catchTag("RoomRefused", ({ reason }) =>
        Effect.succeed<CloseCode>(reason === "expired" ? Close.tokenExpired : Close.forbidden)
      )
    )
  }

  const admit = (connection: Connection, principal: Principal): CloseCode | undefined => {
    if (!connection.open) return undefined
    if (ended.has(principal.sessionId)) return Close.loggedOut
    if (connection.principal !== undefined && connection.principal.userId !== principal.userId) return Close.badToken
    if (census.admit(connection, principal)) return undefined
    limits.hit("sockets_of_user", principal.username)
    return Close.tooManySockets
  }

  const authenticate = (connection: Connection, token: Redacted.Redacted<string>) =>
    Effect.suspend(() => {
      ended.begin()
      return sessions.authenticate(token)
    }).pipe(
      Effect.map((principal) => admit(connection, principal)),
      Effect.catchTags({
        InvalidToken: ({ reason }) => Effect.succeed<CloseCode>(closeOf(reason)),
        StoreUnavailable: () => Effect.succeed<CloseCode>(Close.overloaded)
      }),
      Effect.ensuring(Effect.sync(() => ended.end()))
    )

  yield* signals.subscribe((signal) => {
    if (signal._tag !== "SessionEnded") return
    ended.note(signal.sessionId)
    for (const connection of Array.from(census.ofSession(signal.sessionId))) {
      connection.permit.revoked = sessionEnded
      connection.cut(signal.reason === "expired" ? Close.tokenExpired : Close.loggedOut)
    }
  })

  const engine: ManyRooms = {
    registry,
    names,
    rate: new MessageRate({ perSecond: options.messageRate, burst: options.messageBurst }),
    stats,
    limits,
    epoch: journal.epoch,
    guests: options.guests,
    now,
    wallClock: () => clock.currentTimeMillisUnsafe(),
    traced: tracing === undefined ? (waiting) => waiting : makeMessageTraces(tracing, registry.inMemory),
    fork: (effect) => void fork(effect),
    access,
    authenticate,
    follow,
    wireLimits: { ...defaultWireLimits, ...options.wireLimits },
    journal,
    history,
    paged: (read) => pages.withPermits(1)(read),
    subscribe,
    unsubscribe
  }

  const lookAfter = (connection: Connection, at: number, wallClock: number) => {
    if (connection.principal !== undefined && wallClock >= connection.principal.expiresAt)
      connection.cut(Close.tokenExpired)
    else if (connection.roomUntil !== undefined && wallClock >= connection.roomUntil) connection.cut(Close.tokenExpired)
    else if (connection.isStalled(at, stallMillis)) connection.cut(Close.tooSlow)
    else if (at - connection.aliveAt >= pongWithinMillis) connection.cut(Close.noPong)
    else if (
      connection.principal === undefined &&
      options.guests === "deny" &&
      at - connection.openedAt >= authTimeoutMillis
    ) {
      limits.hit("auth_timeout", connection.address)
      connection.close(Close.authTimeout)
    } else if (connection.caretaker !== undefined) {
      // Its client counts the server's signs of life, too: it gets them whatever it says itself.
      if (at - connection.pingedAt >= pingEveryMillis) {
        connection.pingedAt = at
        connection.caretaker.ping()
      }
      connection.caretaker.lookAfter(at, wallClock)
    } else if (at - Math.max(connection.pingedAt, connection.aliveAt) >= pingEveryMillis) {
      connection.pingedAt = at
      connection.transport.ping()
    }
  }

  yield* Effect.sync(() => {
    const at = now()
    const wallClock = clock.currentTimeMillisUnsafe()
    for (const connection of connections) lookAfter(connection, at, wallClock)
    presence.flush()
  }).pipe(Effect.delay(sweepMillis), Effect.forever, Effect.forkScoped)

  // While the store is down nothing is known to have ended.
  yield* Effect.suspend(() => sessions.endLost(census.sessions)).pipe(
    Effect.catchTag("StoreUnavailable", ({ detail }) => Effect.logDebug("sessions were not looked for", detail)),
    Effect.delay(lostEvery),
    Effect.forever,
    Effect.forkScoped
  )

  const drain = Effect.gen(function* () {
    draining = true
    // What was taken in is committed and goes out before the goodbye.
    for (const { transport } of connections) transport.pause()
    yield* Effect.timeoutOption(registry.whenIdle, drainMillis)
    for (const [index, connection] of Array.from(connections).entries()) {
      connection.close(Close.restart)
      // Whoever asks `/readyz` meanwhile is answered between a few goodbyes, not after thousands.
      if (index % goodbyesATurn === goodbyesATurn - 1) yield* Effect.yieldNow
    }
  })
  yield* Effect.addFinalizer(() => drain)

  const take = (connection: Connection): boolean => {
    if (draining) {
      connection.close(Close.restart)
      return false
    }
    connections.add(connection)
    census.enter(connection)
    stats.socketsAccepted += 1
    stats.sockets = connections.size
    return true
  }

  return ChatSockets.of({
    drain,
    control: new SocketControl({ connections, channels, census, presence }),
    admits: (address) => {
      if (draining) return "draining"
      return census.hasRoom(address) ? "yes" : "too many of this address"
    },
    acceptClassic: (transport, opening) => {
      const connection = new Connection(transport, opening, now(), closed)
      const session = new ClassicSession(connection, engine, opening)
      if (take(connection)) {
        logBegin(connection, opening.room)
        session.start()
      }
      return session
    },
    acceptCentrifuge: (transport, opening) => {
      const connection = new Connection(transport, opening, now(), closed)
      const session = new CentrifugeSession(connection, engine, presence, opening)
      if (take(connection)) logBegin(connection, undefined)
      return session
    }
  })
})
