import { Effect, Exit, Schema } from "effect"
import { RoomName } from "../../../domain/Room.ts"
import type { Answer } from "./CentrifugeSession.ts"
import type { Places } from "./Places.ts"
import * as Protocol from "./Protocol.ts"
import type { Requests } from "./Protocol.ts"

const decodeRoom = Schema.decodeUnknownExit(Schema.Struct({ room: RoomName }))

/** What may be called: `parley.room` with `{room}` says where its log stands, `{epoch, offset}`. */
export const answerRpc = ({ data, method = "" }: Requests["rpc"], places: Places): Answer | Effect.Effect<Answer> => {
  if (method !== "parley.room") return { error: Protocol.methodNotFound }
  const asked = decodeRoom(data)
  if (Exit.isFailure(asked)) return { error: Protocol.badRequest('data: expected {"room": "…"}') }
  return Effect.map(places.position(asked.value.room), (answer): Answer => {
    if ("error" in answer) return answer
    const { epoch, offset } = answer.result
    return { result: { data: { epoch, offset } } }
  })
}
