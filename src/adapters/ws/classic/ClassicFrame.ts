// Compiles decoders that are made after this; half the time a frame.
// oxlint-disable-next-line import/no-unassigned-import
import "effect/schema/SchemaJITCompiler/enable"
import { Exit, Schema } from "effect"
import { MessageText } from "../../../domain/MessageText.ts"
import { ClientId } from "../../../domain/RoomEvent.ts"
import { describeIssues } from "../../schema/Issues.ts"
import type { Rejection } from "../../../domain/Rejection.ts"

/** A frame as the seed's clients send it; `id` makes the send idempotent; `date` is decided by the server whatever was sent. */
export const MessageFrame = Schema.Struct({
  from: Schema.optionalKey(Schema.String),
  message: MessageText,
  date: Schema.optionalKey(Schema.String),
  id: Schema.optionalKey(ClientId)
})

/** Brings an access token: first of all, or later a fresh one of the same user. */
export const AuthFrame = Schema.Struct({ type: Schema.Literal("auth"), token: Schema.NonEmptyString })

export type ClassicFrame =
  | { readonly _tag: "Message"; readonly frame: typeof MessageFrame.Type }
  | { readonly _tag: "Auth"; readonly token: string }
  | { readonly _tag: "Bad"; readonly rejection: Rejection; readonly id: ClientId | undefined }

const options = { onExcessProperty: "error", errors: "all" } as const
const decodeMessage = Schema.decodeUnknownExit(MessageFrame, options)
const decodeKnown = Schema.decodeUnknownExit(MessageFrame)

/** As `decodeMessage`, which makes a set of the names each time: where no name is unknown that is half of its work. */
const decodeQuickly = (json: unknown): ReturnType<typeof decodeMessage> => {
  if (typeof json !== "object" || json === null) return decodeMessage(json)
  for (const name in json) if (!Object.hasOwn(MessageFrame.fields, name)) return decodeMessage(json)
  const known = decodeKnown(json)
  return Exit.isSuccess(known) ? known : decodeMessage(json)
}

const decodeAuth = Schema.decodeUnknownExit(AuthFrame, options)
const decodeId = Schema.decodeUnknownOption(Schema.Struct({ id: ClientId }))

const bad = (message: string, id?: ClientId): ClassicFrame => ({
  _tag: "Bad",
  rejection: { code: "bad_frame", message, retryable: false },
  id
})

/** Total: whatever the text holds, a message, a token, or a rejection that names what was wrong. */
export const decodeFrame = (text: string): ClassicFrame => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return bad('This frame is not JSON: send {"from": "…", "message": "…", "date": "…"}.')
  }
  const message = decodeQuickly(json)
  if (Exit.isSuccess(message)) return { _tag: "Message", frame: message.value }
  if (typeof json === "object" && json !== null && "type" in json) {
    const auth = decodeAuth(json)
    return Exit.isSuccess(auth)
      ? { _tag: "Auth", token: auth.value.token }
      : bad(`This frame is not {"type": "auth", "token": "…"}: ${describeIssues(auth)}.`)
  }
  const named = decodeId(json)
  return bad(
    `This frame is not {"from": "…", "message": "…", "date": "…"}: ${describeIssues(message)}.`,
    named._tag === "Some" ? named.value.id : undefined
  )
}
