import { HashMap, Option } from "effect"
import type { Json } from "effect/Schema"
import { Seq } from "./Room.ts"
import type { Author, ClientId, Entry, MessagePosted, RoomEvent } from "./RoomEvent.ts"
import { idConflict } from "./Rejection.ts"
import type { Rejection } from "./Rejection.ts"
import { isSameJson } from "./SameJson.ts"

/** Please put this into the room's log. `at` is the server's clock when the room took the command: milliseconds since 1970 UTC. */
export interface PostMessage {
  readonly type: "PostMessage"
  readonly author: Author
  readonly payload: Json
  readonly id: ClientId | undefined
  readonly at: number
}

export type RoomCommand = PostMessage

/** What a room answers to a command. */
export type Decision =
  | { readonly _tag: "Accepted"; readonly event: RoomEvent }
  /** The author sent the very same before: it stands at `seq`. */
  | { readonly _tag: "Repeated"; readonly seq: Seq }
  | { readonly _tag: "Rejected"; readonly rejection: Rejection }

/**
 * What a room knows of its log. Client ids are remembered for the newest entries only, in two generations: a repeated one is mostly
 * answered without the journal, which alone knows them all.
 */
export interface RoomState {
  readonly head: Seq
  readonly young: HashMap.HashMap<string, Entry>
  readonly old: HashMap.HashMap<string, Entry>
}

/** A generation of remembered ids: at most twice so many are kept, the oldest are left to the journal. */
const idsAGeneration = 64

export const emptyRoom: RoomState = { head: Seq.make(0), young: HashMap.empty(), old: HashMap.empty() }

/** A line break cannot stand in an author's name, nor in an id. */
const idKey = (author: Author, id: ClientId): string => `${author.kind}\n${author.name}\n${id}`

/** An id that stands in the log already: the same content is a repetition, another is a conflict, never silent success. */
export const decideRepeated = (payload: Json, earlier: Entry): Decision =>
  isSameJson(payload, earlier.event.payload)
    ? { _tag: "Repeated", seq: earlier.seq }
    : { _tag: "Rejected", rejection: idConflict }

export const decide = (state: RoomState, command: RoomCommand): Decision => {
  if (command.id !== undefined) {
    const key = idKey(command.author, command.id)
    const earlier = Option.orElse(HashMap.get(state.young, key), () => HashMap.get(state.old, key))
    if (Option.isSome(earlier)) return decideRepeated(command.payload, earlier.value)
  }
  return { _tag: "Accepted", event: messagePosted(command) }
}

const messagePosted = ({ at, author, id, payload }: PostMessage): MessagePosted =>
  id === undefined
    ? { type: "MessagePosted", v: 1, author, payload, at }
    : { type: "MessagePosted", v: 1, author, payload, at, id }

export const evolve = (state: RoomState, entry: Entry): RoomState => {
  const { author, id } = entry.event
  if (id === undefined) return { head: entry.seq, young: state.young, old: state.old }
  const young = HashMap.set(state.young, idKey(author, id), entry)
  return HashMap.size(young) < idsAGeneration
    ? { head: entry.seq, young, old: state.old }
    : { head: entry.seq, young: HashMap.empty(), old: young }
}
