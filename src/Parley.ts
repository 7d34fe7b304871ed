import type { MessageView } from "./domain/MessageView.ts"

/** A message that the program itself sends. */
export interface Post {
  readonly room: string
  /** The name that people see, 1–64 characters. With it comes `service: true`: it is nobody's account, whoever has an account of that name. */
  readonly from: string
  /** At most 16 KiB. */
  readonly message: string
  /** Sent again with the same id, also after a restart, it is one message. */
  readonly id?: string | undefined
}

export interface HistoryOptions {
  /** 1–1000; 100 by default. */
  readonly limit?: number | undefined
  /** Only messages before this position: the page ends right before it. */
  readonly before?: number | undefined
  /** Only messages after this position: the page begins right after it. */
  readonly after?: number | undefined
}

export interface FollowOptions {
  /** Everything after this position first, and then live; without it, what comes from now on. */
  readonly since?: number | undefined
}

/**
 * A chat server that runs inside this program. An argument that is wrong rejects with a `TypeError` that names it. The program is trusted: its messages count towards no limit, and private
 * rooms (`$…`) are open to it.
 */
export interface Parley {
  /** The page and the HTTP API, for a browser on this machine. */
  readonly url: string
  /** Where WebSockets go, for a client on this machine. */
  readonly socketUrl: string
  readonly apiPort: number
  readonly socketPort: number
  /** Puts a message into a room, between everybody else's: its position once it is on disk. Rejects with `RoomRejected`, which says whether to send it again. */
  readonly post: (post: Post) => Promise<{ readonly seq: number }>
  /** A page of a room's log, oldest first; without positions the newest. Rejects with `JournalError` where the log cannot be read. */
  readonly history: (room: string, options?: HistoryOptions) => Promise<ReadonlyArray<MessageView>>
  /**
   * Calls `listener` for each message of a room, in order, none twice, none left out. One that returns a promise is waited for, and holds up nobody else; one that throws has
   * its error logged, and gets the next message. Resolves once nothing later can be missed, to the function that ends it.
   */
  readonly onMessage: (
    room: string,
    listener: (message: MessageView) => unknown,
    options?: FollowOptions
  ) => Promise<() => Promise<void>>
  /** Commits what was taken in, says goodbye to every socket (1012), closes ports and files. Called again, it is the same stop. */
  readonly stop: () => Promise<void>
  /** Resolves when the server has stopped; rejects with `JournalError` when it stopped by itself, since its disk cannot be trusted any more. */
  readonly stopped: Promise<void>
}
