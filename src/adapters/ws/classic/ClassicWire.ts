// Hot path: an entry into the classic wire's JSON, `{"from","message","date","id","seq","room"}` and `"guest":true` for a guest, `"service":true` for a service.
// `MessageView` says what stands in it; this writes the same text with less work (a property test holds the two together).
import { idOf, messageText } from "../../../domain/MessageView.ts"
import type { RoomName } from "../../../domain/Room.ts"
import type { Entry } from "../../../domain/RoomEvent.ts"
import type { EncodedBatch, WireFormat } from "../../../domain/RoomTail.ts"
import { framesOf } from "../Frames.ts"

const encode = (room: RoomName, entries: ReadonlyArray<Entry>): EncodedBatch => {
  const roomField = `,"room":${JSON.stringify(room)}`
  // Entries of a batch mostly share their millisecond.
  let at = -1
  let date = ""
  return framesOf(entries.length, (index) => {
    const entry = entries[index]
    if (entry === undefined) return ""
    const { event, seq } = entry
    if (event.at !== at) {
      at = event.at
      date = new Date(at).toISOString()
    }
    return (
      `{"from":${JSON.stringify(event.author.name)},"message":${JSON.stringify(messageText(event.payload))}` +
      `,"date":"${date}","id":${JSON.stringify(idOf(room, entry))},"seq":${seq}` +
      (event.author.kind === "account" ? `${roomField}}` : `${roomField},"${event.author.kind}":true}`)
    )
  })
}

export const classicWire: WireFormat = { encode }
