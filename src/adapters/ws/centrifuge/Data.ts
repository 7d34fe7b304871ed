import { Exit, Schema } from "effect"
import type { Json } from "effect/Schema"
import { MessageText } from "../../../domain/MessageText.ts"
import { dates, isChatMessage } from "../../../domain/MessageView.ts"
import { ClientId } from "../../../domain/RoomEvent.ts"
import type { Entry, RoomEvent } from "../../../domain/RoomEvent.ts"
import { maxDataDepth } from "./Limits.ts"

/** What somebody publishes: a payload for the log, the id that makes it idempotent, and under which name a guest speaks. */
export interface Published {
  readonly payload: Json
  readonly id: ClientId | undefined
  readonly from: string | undefined
}

const Chat = Schema.Struct({
  message: MessageText,
  from: Schema.optionalKey(Schema.String),
  date: Schema.optionalKey(Schema.String),
  id: Schema.optionalKey(ClientId)
})
const decodeChat = Schema.decodeUnknownExit(Chat)
const Mark = Schema.Struct({ id: Schema.optionalKey(ClientId), from: Schema.optionalKey(Schema.String) })
const decodeMark = Schema.decodeUnknownExit(Mark)

/** A field of ours: whether a value is right for it, and what is said where it is not. */
interface Field {
  readonly isRight: (value: unknown) => boolean
  readonly expected: string
}
const aText: Field = { isRight: Schema.is(Schema.String), expected: "a text" }
const anId: Field = { isRight: Schema.is(ClientId), expected: "1–128 printable characters" }
const chatFields: ReadonlyMap<string, Field> = new Map([
  ["message", { isRight: Schema.is(MessageText), expected: "a text that is not empty, without lone surrogates" }],
  ["from", aText],
  ["date", aText],
  ["id", anId]
])
const markFields: ReadonlyMap<string, Field> = new Map([
  ["id", anId],
  ["from", aText]
])

/** Every field that is wrong, and what it must be. */
const faultsOf = (fields: ReadonlyMap<string, Field>, value: object, prefix = ""): string =>
  Array.from(fields)
    .filter(([name, { isRight }]) => Object.hasOwn(value, name) && !isRight(Reflect.get(value, name)))
    .map(([name, { expected }]) => `${prefix}${name}: expected ${expected}`)
    .join("; ")

const markFault = (mark: unknown): string =>
  typeof mark === "object" && mark !== null && !Array.isArray(mark)
    ? faultsOf(markFields, mark, "_parley.")
    : "_parley: expected an object {id?, from?}"

/** Past ±(2^53 − 1) the next whole number may be the same double: what is kept would be another one, and two of them one. */
const numberFault = (value: number): string | undefined => {
  if (!Number.isFinite(value)) return "a number is too large"
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return undefined
  return "a whole number beyond 9,007,199,254,740,991 would come out as another one: send it as text"
}

/** Why a value cannot be kept; `undefined` where it can. JSON's text may say more than its values hold, and names that are no data. */
const jsonFault = (value: unknown, depth = 0): string | undefined => {
  if (typeof value === "number") return numberFault(value)
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined
  if (typeof value !== "object") return "the data are not JSON: expected the bytes of a JSON text in UTF-8"
  if (depth >= maxDataDepth) return `it is nested deeper than ${maxDataDepth}`
  for (const name of Object.keys(value)) {
    if (name === "__proto__") return "__proto__ is not a name here"
    const fault = jsonFault(Reflect.get(value, name), depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

const isJson = (value: unknown): value is Json => jsonFault(value) === undefined

/**
 * A chat message is an object with a text in `message` and nothing but `from`, `date` and `id` beside it: `{message}` is what is kept, `id` makes it idempotent. Any other value is
 * kept as it is; in an object `_parley.id` makes it idempotent, and `_parley.from` is under which name a guest sends it. A text says what is wrong.
 */
export const publishedOf = (data: unknown): Published | string => {
  if (!isJson(data)) return jsonFault(data) ?? ""
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return { payload: data, id: undefined, from: undefined }
  }
  const fields = Object.keys(data)
  if ("message" in data && typeof data["message"] === "string" && fields.every((field) => chatFields.has(field))) {
    const chat = decodeChat(data)
    if (Exit.isFailure(chat)) return `in a chat message, ${faultsOf(chatFields, data)}`
    const { from, id, message } = chat.value
    return { payload: { message }, id, from }
  }
  if (!Object.hasOwn(data, "_parley")) return { payload: data, id: undefined, from: undefined }
  const value: unknown = Reflect.get(data, "_parley")
  const mark = decodeMark(value)
  return Exit.isSuccess(mark) ? { payload: data, id: mark.value.id, from: mark.value.from } : markFault(value)
}

/** Whether `messageView` says that a guest wrote it, and under which name: `info` would be a fifth of such a publication, and say it again. Hot path. */
export const namesItsGuest = ({ author, payload }: RoomEvent): boolean =>
  author.kind === "guest" && isChatMessage(payload)

/** What clients get of an entry: a chat message in the classic wire's words, anything else as it was sent. A message that came without an `id` has none: its offset names it. */
export const messageView = ({ event }: Entry): Json => {
  const { at, author, id, payload } = event
  if (!isChatMessage(payload)) return payload
  return {
    from: author.name,
    message: payload.message,
    date: new Date(at).toISOString(),
    ...(id !== undefined && { id }),
    ...(author.kind === "guest" && { guest: true })
  }
}

/** The JSON text of `messageView`, with less work: made once a batch, asked once an entry. A property test holds the two together. Hot path. */
export const dataTexts = (): ((entry: Entry) => string) => {
  const dateOf = dates()
  return ({ event }) => {
    const { at, author, id, payload } = event
    if (!isChatMessage(payload)) return JSON.stringify(payload)
    return (
      `{"from":${JSON.stringify(author.name)},"message":${JSON.stringify(payload.message)},"date":"${dateOf(at)}"` +
      `${id === undefined ? "" : `,"id":${JSON.stringify(id)}`}${author.kind === "guest" ? `,"guest":true}` : "}"}`
    )
  }
}
