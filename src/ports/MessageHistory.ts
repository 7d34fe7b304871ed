import { Context } from "effect"
import type { Effect } from "effect"
import type { RoomName, Seq } from "../domain/Room.ts"
import type { Entry } from "../domain/RoomEvent.ts"
import type { JournalError } from "./Journal.ts"

export interface HistoryQuery {
  readonly room: RoomName
  /** At most so many entries, 1–1000. */
  readonly limit: number
  /** Only entries before this position. */
  readonly before?: Seq | undefined
  /** Only entries after this position; the page then starts right after it. */
  readonly after?: Seq | undefined
}

export interface HistoryPage {
  /** Oldest first, positions without a hole. */
  readonly entries: ReadonlyArray<Entry>
  /** The room's head when the page was read. */
  readonly head: Seq
}

/**
 * The read model of a room: pages of its log. Without `before` and `after` the newest page; with `before` the page that
 * ends right before it; with `after` the page that begins right after it; with both, the page that begins
 * after `after` and stops before `before`. Only committed entries are in a page. The newest page touches no
 * disk where the room's tail holds it.
 */
export class MessageHistory extends Context.Service<
  MessageHistory,
  {
    readonly page: (query: HistoryQuery) => Effect.Effect<HistoryPage, JournalError>
  }
>()("parley/ports/MessageHistory") {}
