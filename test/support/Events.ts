import { RoomName, Seq } from "../../src/domain/Room.ts"
import { ClientId } from "../../src/domain/RoomEvent.ts"
import type { RoomEvent } from "../../src/domain/RoomEvent.ts"

export const room = (name: string): RoomName => RoomName.make(name)
export const at = (position: number): Seq => Seq.make(position)

/** A chat message; the author is `ada`, an account, where nothing else is said. */
export const message = (
  text: string,
  options: {
    readonly id?: string
    readonly from?: string
    readonly kind?: "account" | "guest"
    readonly at?: number
  } = {}
): RoomEvent => ({
  type: "MessagePosted",
  v: 1,
  author: { kind: options.kind ?? "account", name: options.from ?? "ada" },
  payload: { message: text },
  at: options.at ?? 1_764_000_000_000,
  ...(options.id === undefined ? {} : { id: ClientId.make(options.id) })
})
