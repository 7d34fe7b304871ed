import { Result, Schema } from "effect"
import { isPrivate, Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry, RoomEvent } from "../../domain/RoomEvent.ts"
import { JournalError } from "../../ports/Journal.ts"
import { decodeEvent, parseStored } from "../journal/EventCodec.ts"
import type { UnreadableEvent } from "../journal/EventCodec.ts"

const decodeArray = Schema.decodeUnknownResult(Schema.Array(Schema.Unknown))

const unreadable = (room: RoomName, seq: number, { problem }: UnreadableEvent): JournalError =>
  new JournalError({
    reason: "Broken",
    detail: `${isPrivate(room) ? "a private room" : `room ${room}`}, position ${seq}: ${problem}`
  })

/** One stored event. */
export const readEvent = (room: RoomName, seq: number, text: string): Result.Result<RoomEvent, JournalError> => {
  const event = Result.flatMap(parseStored(text), decodeEvent)
  return Result.isFailure(event) ? Result.fail(unreadable(room, seq, event.failure)) : Result.succeed(event.success)
}

/** Of stored batches (the position of each one's first event, and its JSON array) the entries after `after`, at most `limit`. */
export const readEntries = (
  room: RoomName,
  after: number,
  limit: number,
  firsts: ReadonlyArray<number>,
  batches: ReadonlyArray<string>
): Result.Result<ReadonlyArray<Entry>, JournalError> => {
  const entries: Array<Entry> = []
  for (const [batch, first] of firsts.entries()) {
    const parsed = parseStored(batches[batch] ?? "")
    if (Result.isFailure(parsed)) return Result.fail(unreadable(room, first, parsed.failure))
    const events = decodeArray(parsed.success)
    if (Result.isFailure(events))
      return Result.fail(unreadable(room, first, { problem: "a batch that is not an array" }))
    for (const [index, stored] of events.success.entries()) {
      const seq = first + index
      if (seq <= after) continue
      if (entries.length === limit) return Result.succeed(entries)
      const event = decodeEvent(stored)
      if (Result.isFailure(event)) return Result.fail(unreadable(room, seq, event.failure))
      entries.push({ seq: Seq.make(seq), event: event.success })
    }
  }
  return Result.succeed(entries)
}
