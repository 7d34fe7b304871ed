import type { Collection, Db } from "mongodb"
import type { StoredDocument } from "./StoredDocument.ts"

/** A document as it may really be: the original application's, an older or a newer release's. */
export type AnyDocument = Partial<Readonly<Record<keyof StoredDocument, unknown>>>

/** What is known of the journal as a whole: one document, `_id` is `journal`. */
export interface MetaDocument {
  readonly _id: string
  readonly schema: number
  readonly epoch: string
  /** How many messages of the original application were taken over. */
  readonly takenOver?: number
}

const messages = "chat_history"

/**
 * Whatever the URI asks for: an answer means a majority has it in its journal, what is read cannot be rolled back, and only the primary is asked.
 */
const guarantees = {
  writeConcern: { w: "majority", journal: true },
  readConcern: { level: "majority" },
  readPreference: "primary"
} as const

export const messageCollection = (db: Db): Collection<AnyDocument> => db.collection<AnyDocument>(messages, guarantees)

export const metaCollection = (db: Db): Collection<MetaDocument> =>
  db.collection<MetaDocument>("parley_meta", guarantees)
