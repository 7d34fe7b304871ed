import { MongoBulkWriteError, MongoServerError } from "mongodb"
import { mongoDetail } from "./RoomReads.ts"

/**
 * What an ordered insert that failed means.
 *
 * - `Unsent`: nothing left this process.
 * - `Denied`: the server answered that it does not do it; nothing is stored.
 * - `Stopped`: the server answered: everything before `index` is stored, and acknowledged as asked; the document at `index` is not, nor
 *   is anything after it.
 * - `Unknown`: no answer, or one that does not say: each document may be stored, also later.
 */
export type InsertFailure =
  | { readonly type: "Unsent" | "Denied" | "Unknown"; readonly detail: string }
  | { readonly type: "Stopped"; readonly index: number; readonly duplicate: boolean; readonly detail: string }

const duplicateKey = 11_000

/**
 * Answers of a server that has not begun: Unauthorized, NotWritablePrimary, NotPrimaryNoSecondaryOk, AtlasError (over quota). Others, as of a server that steps
 * down or is interrupted, may come in the middle.
 */
const denials: ReadonlySet<unknown> = new Set([13, 10_107, 13_435, 8_000])

export const insertFailure = (error: unknown, sent: boolean): InsertFailure => {
  const detail = mongoDetail(error)
  if (!sent) return { type: "Unsent", detail }
  if (!(error instanceof MongoServerError)) return { type: "Unknown", detail }
  if (error instanceof MongoBulkWriteError) {
    const first = [error.writeErrors].flat()[0]
    // Beside it a write concern may have failed: then nothing of the answer counts as stored.
    if (first !== undefined && error.result.getWriteConcernError() === undefined)
      return { type: "Stopped", index: first.index, duplicate: first.code === duplicateKey, detail: codeOf(first.code) }
    if (first !== undefined || error.result.getWriteConcernError() !== undefined)
      return { type: "Unknown", detail: "MongoDB: a majority did not confirm the write" }
  }
  // Also what is no server's answer arrives here: the driver wraps it, with its text.
  if (typeof error.code !== "number") return { type: "Unknown", detail }
  return { type: denials.has(error.code) ? "Denied" : "Unknown", detail: codeOf(error.code) }
}

/** Without the server's text: of a duplicate it quotes the key. */
const codeOf = (code: unknown): string => `MongoDB: error ${String(code)}`
