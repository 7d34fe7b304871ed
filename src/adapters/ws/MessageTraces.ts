// Per message, but only where traces go somewhere.
import type { Tracer } from "effect"
import type { ChatRoom, Sender, Waiting } from "../../domain/ChatRoom.ts"
import type { Permit } from "../../domain/Permit.ts"
import type { Rejection, RejectionCode } from "../../domain/Rejection.ts"
import { isPrivate } from "../../domain/Room.ts"
import type { RoomName, Seq } from "../../domain/Room.ts"
import type { ClientId } from "../../domain/RoomEvent.ts"
import { parentOf } from "../http/TraceParent.ts"
import type { Tracing } from "../observability/Tracing.ts"
import type { Connection } from "./Connection.ts"

/** Faults of ours, not the sender's: always traced. */
const faults: ReadonlySet<RejectionCode> = new Set(["unavailable", "outcome_unknown"])

/** One message from the frame to its outcome: the transaction `Send Message`, with its commit and its way to the sockets inside. */
class TracedSender implements Sender {
  readonly #inner: Sender
  readonly #tracing: Tracing
  readonly #room: () => ChatRoom | undefined
  readonly #name: RoomName
  readonly #connection: Connection
  readonly #sampled: boolean
  readonly #began: bigint
  #ended = false

  constructor(
    inner: Sender,
    tracing: Tracing,
    room: () => ChatRoom | undefined,
    name: RoomName,
    connection: Connection
  ) {
    this.#inner = inner
    this.#tracing = tracing
    this.#room = room
    this.#name = name
    this.#connection = connection
    this.#sampled = tracing.takeMessage(connection.caller?.sampled === true)
    this.#began = tracing.now()
  }

  get permit(): Permit {
    return this.#inner.permit
  }

  accepted(id: ClientId | undefined, seq: Seq): void {
    this.#inner.accepted(id, seq)
    if (this.#sampled) this.#end(undefined)
  }

  repeated(id: ClientId, seq: Seq): void {
    this.#inner.repeated(id, seq)
    if (this.#sampled) this.#end(undefined)
  }

  rejected(id: ClientId | undefined, rejection: Rejection): void {
    this.#inner.rejected(id, rejection)
    if (this.#sampled || faults.has(rejection.code)) this.#end(rejection)
  }

  #end(rejection: Rejection | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const { submittedAt = this.#began, committedAt = 0n } = this.#room() ?? {}
    const { caller, principal } = this.#connection
    const span = this.#tracing.begin("Send Message", {
      kind: "consumer",
      at: this.#began,
      parent: caller === undefined ? undefined : parentOf(caller),
      attributes: {
        "messaging.system": "parley",
        "messaging.operation": "process",
        ...roomLabel(this.#name),
        ...(principal === undefined ? {} : { "user.id": principal.userId })
      }
    })
    const failure = rejection === undefined ? undefined : new Error(`${rejection.code}: ${rejection.message}`)
    // Of a turn that began after this message came; else it got no further than the mailbox.
    if (submittedAt >= this.#began && (failure === undefined || faults.has(rejection?.code ?? "bad_frame"))) {
      const done = failure === undefined ? committedAt : this.#tracing.now()
      this.#child(span, "Journal.append", submittedAt, done, failure)
      if (failure === undefined) this.#child(span, "RoomFeed.publish", committedAt, this.#tracing.now(), undefined)
    }
    this.#tracing.end(span, failure)
  }

  #child(parent: Tracer.Span, name: string, from: bigint, to: bigint, failure: Error | undefined): void {
    this.#tracing.end(this.#tracing.begin(name, { parent, at: from }), failure, to)
  }
}

/** Of a private room nobody learns the name. */
const roomLabel = (room: RoomName): Readonly<Record<string, string>> =>
  isPrivate(room) ? {} : { "messaging.destination.name": room }

export const makeMessageTraces =
  (tracing: Tracing, inMemory: (room: string) => ChatRoom | undefined) =>
  (waiting: Waiting, room: RoomName, connection: Connection): Waiting => {
    const sender = new TracedSender(waiting.sender, tracing, () => inMemory(room), room, connection)
    return { ...waiting, sender }
  }
