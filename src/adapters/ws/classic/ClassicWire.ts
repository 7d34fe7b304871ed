// Hot path: entries into frames of the classic wire's JSON, `{"from","message","date","id","seq","room"}` and `"guest":true` for a guest, `"service":true` for a service.
import { viewTexts } from "../../../domain/MessageView.ts"
import type { WireFormat } from "../../../domain/RoomTail.ts"
import { framesOf } from "../Frames.ts"

export const classicWire: WireFormat = {
  encode: (room, entries) => framesOf(entries.length, viewTexts(room, entries, "with room"))
}
