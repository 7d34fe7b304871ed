import { Effect } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import type { FromReader, ReadRequest } from "./JournalProtocol.ts"
import { readEntries } from "./StoredEntries.ts"

/** So many reads wait for the reader thread at most; one more is refused. */
const waitingReads = 10_000

type Reply = Exclude<FromReader, { readonly type: "broken" }>
type Settle = (reply: Reply | JournalError) => void

export interface JournalReads {
  readonly head: (room: RoomName) => Effect.Effect<Seq, JournalError>
  readonly read: (room: RoomName, after: number, limit: number) => Effect.Effect<ReadonlyArray<Entry>, JournalError>
  readonly answered: (reply: Reply) => void
  /** Fails every read that waits and every later one. */
  readonly refuseAll: (error: JournalError) => void
}

const failed = (reply: Reply | JournalError): JournalError =>
  reply instanceof JournalError
    ? reply
    : new JournalError({
        reason: "Refused",
        detail: reply.type === "unread" ? reply.detail : "an answer of another kind"
      })

/** Asks the reader thread, which answers in order, and decodes what it found. */
export const makeJournalReads = (send: (request: ReadRequest) => void): JournalReads => {
  const waiting = new Map<number, Settle>()
  let requests = 0
  let closed: JournalError | undefined

  const ask = (room: RoomName, after: number, limit: number, settle: Settle): void => {
    if (closed !== undefined) {
      settle(closed)
    } else if (waiting.size >= waitingReads) {
      settle(new JournalError({ reason: "Refused", detail: `${waitingReads} reads wait already` }))
    } else {
      const request = ++requests
      waiting.set(request, settle)
      send({ request, room, after, limit })
    }
  }

  return {
    head: (room) =>
      Effect.callback((resume) =>
        ask(room, 0, 0, (reply) =>
          resume(
            "type" in reply && reply.type === "head" ? Effect.succeed(Seq.make(reply.head)) : Effect.fail(failed(reply))
          )
        )
      ),
    read: (room, after, limit) =>
      Effect.callback((resume) =>
        ask(room, after, limit, (reply) =>
          resume(
            "type" in reply && reply.type === "batches"
              ? Effect.fromResult(readEntries(room, after, limit, reply.firsts, reply.entries))
              : Effect.fail(failed(reply))
          )
        )
      ),
    answered: (reply) => {
      const settle = waiting.get(reply.request)
      waiting.delete(reply.request)
      settle?.(reply)
    },
    refuseAll: (error) => {
      closed ??= error
      const settles = [...waiting.values()]
      waiting.clear()
      for (const settle of settles) settle(closed)
    }
  }
}
