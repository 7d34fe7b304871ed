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
const decodeMark = Schema.decodeUnknownExit(Schema.Struct({ id: Schema.optionalKey(ClientId) }))
const chatFields = new Set(Object.keys(Chat.fields))

/** Why a value cannot be kept; `undefined` where it can. JSON's text may say more than its values hold, and names that are no data. */
const jsonFault = (value: unknown, depth = 0): string | undefined => {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "a number is too large"
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined
  if (typeof value !== "object") return "it is not JSON"
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
 * kept as it is; in an object `_parley.id` makes it idempotent. A text says what is wrong.
 */
export const publishedOf = (data: unknown): Published | string => {
  if (!isJson(data)) return jsonFault(data) ?? ""
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return { payload: data, id: undefined, from: undefined }
  }
  const fields = Object.keys(data)
  if ("message" in data && typeof data["message"] === "string" && fields.every((field) => chatFields.has(field))) {
    const chat = decodeChat(data)
    if (Exit.isFailure(chat))
      return "it is not a chat message {message, from?, date?, id?} with a text that is not empty"
    const { from, id, message } = chat.value
    return { payload: { message }, id, from }
  }
  if (!Object.hasOwn(data, "_parley")) return { payload: data, id: undefined, from: undefined }
  const mark = decodeMark(Reflect.get(data, "_parley"))
  return Exit.isSuccess(mark)
    ? { payload: data, id: mark.value.id, from: undefined }
    : "_parley.id is not 1–128 printable characters"
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
