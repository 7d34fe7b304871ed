/**
 * What the journal and its two threads say to each other. Everything here is copied between threads, so it is flat and made of strings and
 * numbers: one message a commit each way, one message a read each way.
 */

/** Given to both threads when they start. */
export interface JournalFile {
  readonly path: string
  /** Past so many pages (4 KiB each) of the file, what does not fit is refused as on a full disk. */
  readonly maximumPages: number | undefined
}

/** The appends of one commit, one index a room's batch. */
export interface Submissions {
  readonly rooms: Array<string>
  readonly expectedHeads: Array<number>
  readonly counts: Array<number>
  /** A batch's events as one JSON array. */
  readonly entries: Array<string>
  /** The events' idempotency keys, empty where there is none; `undefined` where the whole batch has none. */
  readonly keys: Array<Array<string> | undefined>
}

/** What became of one batch: `undefined` is "stored right after its expected head, every event of it". */
export type Outcome = undefined | Placed | Failed

/** Some events stood there already. */
export interface Placed {
  readonly seqs: ReadonlyArray<number>
  /** The stored text of the earlier entry; `undefined` where the event was stored. */
  readonly earlier: ReadonlyArray<string | undefined>
}

/** Nothing of the batch is stored. */
export interface Failed {
  readonly reason: "Refused" | "Fenced"
  readonly detail: string
}

export type ToWriter = Submissions | "close"

export type FromWriter =
  | { readonly type: "opened"; readonly epoch: string }
  /** `undefined`: every batch of the commit was stored, none was there before. */
  | { readonly type: "committed"; readonly outcomes: ReadonlyArray<Outcome> | undefined }
  /** The file could not be opened, or cannot be trusted any more; nothing is answered after this. */
  | { readonly type: "broken"; readonly detail: string }

/** `limit` 0 asks for the head alone. */
export interface ReadRequest {
  readonly request: number
  readonly room: string
  readonly after: number
  readonly limit: number
}

export type ToReader = ReadRequest | "close"

export type FromReader =
  | { readonly type: "head"; readonly request: number; readonly head: number }
  /** Stored batches, oldest first: the position of each one's first event, and its JSON array. */
  | {
      readonly type: "batches"
      readonly request: number
      readonly firsts: ReadonlyArray<number>
      readonly entries: ReadonlyArray<string>
    }
  | { readonly type: "unread"; readonly request: number; readonly detail: string }
  | { readonly type: "broken"; readonly detail: string }
