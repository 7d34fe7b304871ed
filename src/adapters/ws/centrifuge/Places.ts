import { Effect, Redacted } from "effect"
import type { ChatRoom } from "../../../domain/ChatRoom.ts"
import { Seq } from "../../../domain/Room.ts"
import type { RoomName } from "../../../domain/Room.ts"
import { mayEnter } from "../../../domain/RoomAccess.ts"
import type { RoomRefused } from "../../../domain/RoomAccess.ts"
import type { Entry } from "../../../domain/RoomEvent.ts"
import type { JournalError } from "../../../ports/Journal.ts"
import * as Close from "../CloseCode.ts"
import type { Connection } from "../Connection.ts"
import type { ManyRooms } from "../Engine.ts"
import { catchUpPage } from "../RoomChannel.ts"
import type { Subscription } from "../RoomChannel.ts"
import type { Answer, CentrifugeSession } from "./CentrifugeSession.ts"
import { publicationOf } from "./Codec.ts"
import type { Codec, Publication } from "./Codec.ts"
import { maxFrameBytes, maxPublications } from "./Limits.ts"
import type { Presence, Pushes, Watcher } from "./Presence.ts"
import * as Protocol from "./Protocol.ts"
import type { Requests } from "./Protocol.ts"

/** One room that the socket is subscribed to. */
interface Place {
  /** Until the reply to the subscription is written: where to go on from. */
  readonly room: ChatRoom
  readonly cursor: number
  readonly wantsJoins: boolean
  /** Joins or leaves came while the socket could not be written to. */
  missedJoins: boolean
  subscription: Subscription | undefined
  /** Until when its token is good: milliseconds since 1970 UTC. */
  until: number | undefined
}

/** How long after its end a subscription's token may still be refreshed: clients count whole seconds. */
const tokenGraceMillis = 5_000

/** The rooms of one socket: subscribing, recovering, looking back and around. */
export class Places implements Watcher {
  readonly #connection: Connection
  readonly #engine: ManyRooms
  readonly #presence: Presence
  readonly #codec: Codec
  readonly #session: CentrifugeSession
  readonly #places = new Map<string, Place>()

  constructor(connection: Connection, engine: ManyRooms, presence: Presence, codec: Codec, session: CentrifugeSession) {
    this.#connection = connection
    this.#engine = engine
    this.#presence = presence
    this.#codec = codec
    this.#session = session
  }

  /** Whether the socket may read and write there: a private room only while it is subscribed to it. */
  mayUse(room: RoomName): boolean {
    return mayEnter(this.#connection.principal ?? "guest", room) || this.#places.has(room)
  }

  subscribe(name: RoomName, request: Requests["subscribe"]): Answer | Effect.Effect<Answer> {
    if (this.#places.has(name)) return { error: Protocol.alreadySubscribed }
    if (this.#places.size >= this.#engine.wireLimits.channels) return { error: Protocol.limitExceeded }
    const who = this.#connection.principal ?? "guest"
    const token = request.token === undefined || request.token === "" ? undefined : Redacted.make(request.token)
    return this.#engine.access.enter(who, name, token).pipe(
      Effect.flatMap(({ until }) => Effect.map(this.#enter(name, request, until), (result) => ({ result }))),
      Effect.catchTags({
        RoomRefused: (refused) => Effect.succeed({ error: errorOfRefusal(refused) }),
        JournalError: ({ detail }) =>
          Effect.as(Effect.logWarning("A room could not be read", detail), { error: Protocol.internal })
      })
    )
  }

  /** Enters, reads what was missed, and remembers where `open` goes on. */
  #enter(
    name: RoomName,
    request: Requests["subscribe"],
    until: number | undefined
  ): Effect.Effect<Protocol.Outgoing, JournalError> {
    const { epoch, registry } = this.#engine
    const { recover = false, offset: after = 0 } = request
    return Effect.gen({ self: this }, function* () {
      const room = registry.enterAwake(name) ?? (yield* registry.enter(name))
      const head = room.published
      const recovered = recover && after <= head && (!request.epoch || request.epoch === epoch)
      const missed = recovered
        ? yield* Effect.onError(this.#missed(room, after), () => Effect.sync(() => registry.leave(room)))
        : []
      const publications = fitting(missed.map(publicationOf))
      const cursor = recovered ? (publications.at(-1)?.offset ?? after) : room.published
      if (!this.#connection.open) {
        registry.leave(room)
        return {}
      }
      const wantsJoins = request.join_leave === true
      this.#places.set(name, { room, cursor, wantsJoins, missedJoins: false, until, subscription: undefined })
      return {
        recoverable: true,
        positioned: true,
        epoch,
        offset: cursor,
        ...(recover ? { was_recovering: true, recovered, publications } : undefined),
        ...this.#expiry(until)
      }
    })
  }

  #missed(room: ChatRoom, after: number): Effect.Effect<ReadonlyArray<Entry>, JournalError> {
    if (after >= room.published) return Effect.succeed([])
    const held = room.tail.entriesAfter(after, maxPublications)
    if (held !== undefined) return Effect.succeed(held)
    return this.#engine.paged(this.#engine.journal.read(room.name, Seq.make(after), catchUpPage))
  }

  /** The reply is on its way: what came since follows, and everybody hears who joined. */
  open(channel: string): void {
    const place = this.#places.get(channel)
    if (place === undefined || place.subscription !== undefined) return
    const { room } = place
    this.#session.write([])
    // It was lost meanwhile, and is another object by now.
    if (this.#engine.registry.inMemory(room.name) !== room) {
      this.#places.delete(channel)
      this.#engine.registry.leave(room)
      return this.#connection.close(Close.restart)
    }
    place.subscription = this.#engine.subscribe(this.#connection, room, this.#codec.format, place.cursor)
    if (place.subscription === undefined) return
    const info = { user: this.#session.user, client: this.#session.client }
    this.#presence.join(room.name, info, place.wantsJoins ? this : undefined)
  }

  push(pushes: Pushes): void {
    const place = this.#places.get(pushes.room)
    if (place === undefined) return
    if (!this.#connection.writable) {
      place.missedJoins = true
      return
    }
    // An answer that says who is there goes out before what changed since.
    this.#session.write([])
    this.#connection.write(pushes.encodedBy(this.#codec))
  }

  leave(name: RoomName): void {
    const place = this.#places.get(name)
    if (place === undefined) return
    this.#places.delete(name)
    if (place.subscription === undefined) this.#engine.registry.leave(place.room)
    else this.#engine.unsubscribe(place.subscription)
    this.#presence.leave(name, this.#session.client, this)
  }

  /** The socket has ended. */
  leaveAll(): void {
    for (const { room, subscription } of this.#places.values()) {
      if (subscription === undefined) this.#engine.registry.leave(room)
      this.#presence.leave(room.name, this.#session.client, this)
    }
    this.#places.clear()
  }

  get rooms(): ReadonlyArray<RoomName> {
    return Array.from(this.#places.values(), ({ room }) => room.name)
  }

  /** Ends one subscription from this side. */
  end(name: RoomName, code: number, reason: string): boolean {
    if (!this.#places.has(name)) return false
    this.leave(name)
    this.#session.write([{ push: { channel: name, unsubscribe: { code, reason } } }])
    return true
  }

  lookAfter(wallClock: number): void {
    for (const { missedJoins, room, until } of this.#places.values()) {
      // 2500 and above: the client subscribes again. Nothing is kept for a slow one: it reads anew who is there.
      if (missedJoins && this.#connection.writable) this.end(room.name, 2_500, "insufficient state")
      // With a fresh token.
      else if (until !== undefined && wallClock >= until + tokenGraceMillis)
        this.end(room.name, 2_501, "subscription expired")
    }
  }

  refresh(name: RoomName, token: Redacted.Redacted<string>): Answer | Effect.Effect<Answer> {
    const place = this.#places.get(name)
    if (place === undefined) return { error: Protocol.permissionDenied }
    return this.#engine.access.enter(this.#connection.principal ?? "guest", name, token).pipe(
      Effect.map(({ until }) => {
        place.until = until
        return { result: this.#expiry(until) }
      }),
      Effect.catch((refused) => Effect.succeed({ error: errorOfRefusal(refused) }))
    )
  }

  #expiry(until: number | undefined) {
    return until === undefined
      ? {}
      : { expires: true, ttl: Math.max(1, Math.floor((until - this.#engine.wallClock()) / 1_000)) }
  }

  history(name: RoomName, request: Requests["history"]): Answer | Effect.Effect<Answer> {
    if (!this.mayUse(name)) return { error: Protocol.permissionDenied }
    return readHistory(this.#engine, name, request)
  }

  presence(name: RoomName): Answer {
    if (!this.mayUse(name)) return { error: Protocol.permissionDenied }
    const presence = this.#presence.membersOf(name)
    return presence === undefined ? { error: Protocol.notAvailable } : { result: { presence } }
  }

  presenceStats(name: RoomName): Answer {
    return this.mayUse(name) ? { result: { ...this.#presence.figuresOf(name) } } : { error: Protocol.permissionDenied }
  }

  /** Where a room's log stands. */
  position(name: RoomName): Effect.Effect<Answer> {
    if (!this.mayUse(name)) return Effect.succeed({ error: Protocol.permissionDenied })
    return readHistory(this.#engine, name, { limit: 0 })
  }
}

const errorOfRefusal = ({ reason }: RoomRefused): Protocol.WireError =>
  reason === "expired" ? Protocol.tokenExpired : Protocol.permissionDenied

/** As many as one frame holds, at least one. */
const fitting = (publications: ReadonlyArray<Publication>): ReadonlyArray<Publication> => {
  // Room for what stands around them.
  let left = maxFrameBytes - 1_024
  const end = publications.findIndex((publication, index) => {
    left -= Buffer.byteLength(JSON.stringify(publication)) + 1
    return left < 0 && index > 0
  })
  return end < 0 ? publications : publications.slice(0, end)
}

/** A page of a room's log, from its beginning or from `since` on, or backwards; without a limit only where the log stands. A page is what one frame holds. */
export const readHistory = (
  { epoch, history, journal, paged }: Pick<ManyRooms, "epoch" | "history" | "journal" | "paged">,
  name: RoomName,
  { limit = 0, reverse = false, since }: Omit<Requests["history"], "channel">
): Effect.Effect<Answer> =>
  Effect.gen(function* () {
    const known = since?.epoch
    if (known !== undefined && known !== "" && known !== epoch) return { error: Protocol.unrecoverable }
    const offset = since?.offset ?? 0
    if (limit === 0) return { result: { publications: [], epoch, offset: yield* journal.head(name) } }
    const count = limit < 0 ? maxPublications : Math.min(limit, maxPublications)
    const bound = since === undefined ? {} : { before: Seq.make(offset) }
    const page = yield* history.page({
      room: name,
      limit: count,
      ...(reverse ? bound : { after: Seq.make(offset) })
    })
    if (offset > page.head + (reverse ? 1 : 0)) return { error: Protocol.unrecoverable }
    const entries = reverse ? page.entries.toReversed() : page.entries
    const publications = fitting(entries.map(publicationOf))
    return { result: { publications, epoch, offset: page.head } }
  }).pipe(
    paged,
    Effect.catchTag("JournalError", ({ detail }) =>
      Effect.as(Effect.logWarning("history cannot be read", detail), { error: Protocol.internal })
    )
  )
