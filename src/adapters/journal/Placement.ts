/** What deciding about a batch needs to see of its room's log. Positions are 1, 2, 3 …, and `head` is the last (0: none). */
export interface RoomLog {
  readonly head: number
  /** Where the first entry with this idempotency key stands. */
  readonly seqOf: (key: string) => number | undefined
  /** The stored text of the event at this position (1 to `head`). */
  readonly textAt: (seq: number) => string
}

/** Where each event of a batch stands, in order. */
export interface Placement {
  readonly seqs: ReadonlyArray<number>
  /** True where the event is not stored, because the entry at its `seq` came first with the same key. */
  readonly repeated: ReadonlyArray<boolean>
  /** The indexes of the events that are still to be stored, right after the head, in this order. */
  readonly missing: ReadonlyArray<number>
}

/**
 * The rule of `Journal.append`, for every store that keeps it itself: what of a batch that was submitted after `expectedHead` stands in
 * the log already, what is missing, or `undefined` where the log holds something else after `expectedHead` (fenced).
 *
 * The whole batch or a prefix of it may stand there from an earlier submission of the very same batch: it is answered as then.
 * `keys` are empty where an event has no client id. This file is loaded by worker threads: it imports nothing.
 */
export const place = (
  log: RoomLog,
  expectedHead: number,
  texts: ReadonlyArray<string>,
  keys: ReadonlyArray<string>
): Placement | undefined => {
  if (expectedHead > log.head) return undefined
  const seqs: Array<number> = []
  const repeated: Array<boolean> = []
  const missing: Array<number> = []
  const placedHere = new Map<string, number>()
  let cursor = expectedHead
  for (const [index, text] of texts.entries()) {
    const key = keys[index] ?? ""
    const first = key === "" ? undefined : (placedHere.get(key) ?? log.seqOf(key))
    // Past the cursor it would be an entry of this very batch, from an earlier submission, or somebody else's.
    if (first !== undefined && first <= cursor) {
      seqs.push(first)
      repeated.push(true)
      continue
    }
    cursor++
    if (cursor > log.head) missing.push(index)
    else if (log.textAt(cursor) !== text) return undefined
    if (key !== "") placedHere.set(key, cursor)
    seqs.push(cursor)
    repeated.push(false)
  }
  return { seqs, repeated, missing }
}
