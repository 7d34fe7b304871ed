import { Effect, Layer } from "effect"
import { Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry } from "../../domain/RoomEvent.ts"
import { Journal } from "../../ports/Journal.ts"
import { MessageHistory } from "../../ports/MessageHistory.ts"
import type { HistoryQuery } from "../../ports/MessageHistory.ts"

/** A page holds so many entries at most, whatever was asked. */
const pageEntries = 1_000

/** The newest entries of a room that is in memory: committed ones, without a hole, up to the head. */
export interface Tail {
  readonly head: Seq
  /** Oldest first; `undefined` where it does not reach back so far. */
  readonly entriesAfter: (after: number, limit: number) => ReadonlyArray<Entry> | undefined
}

/** The positions `after + 1` to `end` that a query asks for. */
const span = (query: HistoryQuery, head: number): { readonly after: number; readonly end: number } => {
  const limit = Math.min(Math.max(query.limit, 1), pageEntries)
  const last = query.before === undefined ? head : Math.min(query.before - 1, head)
  if (query.after !== undefined) return { after: query.after, end: Math.min(query.after + limit, last) }
  return { after: Math.max(last - limit, 0), end: last }
}

/**
 * History out of the journal itself. A page that `tail` holds as a whole is answered without asking the journal; every other one
 * is read: its head (where there is no tail) and its entries.
 */
export const layerWithTail = (
  tail: (room: RoomName) => Tail | undefined
): Layer.Layer<MessageHistory, never, Journal> =>
  Layer.effect(
    MessageHistory,
    Effect.map(Journal, (journal) => ({
      page: Effect.fnUntraced(function* (query: HistoryQuery) {
        const recent = tail(query.room)
        const head =
          recent === undefined ? yield* Effect.withSpan(journal.head(query.room), "Journal.head") : recent.head
        const { after, end } = span(query, head)
        if (end <= after) return { entries: [], head }
        const held = recent?.entriesAfter(after, end - after)
        if (held !== undefined) return { entries: held, head }
        return {
          entries: yield* Effect.withSpan(journal.read(query.room, Seq.make(after), end - after), "Journal.read"),
          head
        }
      })
    }))
  )

/** History out of the journal alone. */
export const layer: Layer.Layer<MessageHistory, never, Journal> = layerWithTail(() => undefined)
