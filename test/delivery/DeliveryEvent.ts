/**
 * What somebody outside of the server did or saw. All of it happens in one process, so the order of the events is the order in time: where an acknowledgement stands before a
 * send, it was there before.
 *
 * A **segment** is one socket from its opening to its end, or one page of the history.
 */
export type DeliveryEvent =
  /** Recorded before the server hears of it. `author` is in whose name it sends; a page has none. */
  | {
      readonly type: "opened"
      readonly segment: number
      readonly client: string
      readonly room: string
      readonly author?: string
      readonly since?: number
      readonly history?: number
    }
  /** Recorded before the server gets it. Every message has a text of its own; sent again, it has the same id and the same text. */
  | { readonly type: "sent"; readonly segment: number; readonly id: string | undefined; readonly message: string }
  | {
      readonly type: "delivered"
      readonly segment: number
      readonly seq: number
      readonly from: string
      readonly id: string
      readonly message: string
      /** Where it says that it belongs. */
      readonly room: string
      /** Everything that clients saw of it, in one form for all of them. */
      readonly content: string
    }
  /** The answer to a message that was stored before. */
  | { readonly type: "acknowledged"; readonly segment: number; readonly id: string; readonly seq: number }
  /** The answer to a message that is stored, and says no position. It may come when the segment is gone. */
  | { readonly type: "accepted"; readonly room: string; readonly author: string; readonly id: string }
  | { readonly type: "refused"; readonly segment: number; readonly code: string; readonly id: string | undefined }
  | { readonly type: "closed"; readonly segment: number; readonly how: string }
  | { readonly type: "server"; readonly what: string; readonly broken?: boolean }
  /** Nobody sends any more, and everybody had the time to get everything: the room's log, all of which was read, ends here. */
  | { readonly type: "ended"; readonly room: string; readonly head: number }
