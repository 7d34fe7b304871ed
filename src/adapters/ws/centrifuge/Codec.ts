import type { Json } from "effect/Schema"
import { messageView, namesItsGuest } from "./Data.ts"
import type { Author, Entry } from "../../../domain/RoomEvent.ts"
import type { WireFormat } from "../../../domain/RoomTail.ts"
import type { ClientInfo, Outgoing } from "./Protocol.ts"

/** One encoding of the protocol. */
export interface Codec {
  /** Committed batches as pushes. */
  readonly format: WireFormat
  readonly isBinary: boolean
  /** The values of a frame's commands, as JSON has them. An `undefined` is the last: there begins what cannot be read. */
  readonly decode: (frame: Uint8Array) => ReadonlyArray<unknown>
  /** Replies and pushes in order, in frames. */
  readonly encode: (messages: ReadonlyArray<Outgoing>) => Uint8Array
}

export interface Publication {
  readonly data: Json
  readonly info?: ClientInfo
  readonly offset: number
}

/** Who wrote it: an account by its name. A guest's name, and a service's, is nobody's: they are no `user`. The log does not know connections: `client` is empty. */
const authorInfo = ({ kind, name }: Author): ClientInfo => {
  if (kind === "account") return { user: name, client: "" }
  return { user: "", client: "", conn_info: kind === "guest" ? { name, guest: true } : { name, service: true } }
}

/** What `make` makes of an entry's `info`, made once an author: a batch has few. */
export const onceAnAuthor = <A>(make: (info: ClientInfo) => A): ((entry: Entry) => A | undefined) => {
  const made = new Map<Author, A>()
  return (entry) => {
    const { author } = entry.event
    if (namesItsGuest(entry.event)) return undefined
    const known = made.get(author)
    if (known !== undefined) return known
    const fresh = make(authorInfo(author))
    made.set(author, fresh)
    return fresh
  }
}

export const publicationOf = (entry: Entry): Publication => {
  const data = messageView(entry)
  const offset = entry.seq
  return namesItsGuest(entry.event) ? { data, offset } : { data, info: authorInfo(entry.event.author), offset }
}
