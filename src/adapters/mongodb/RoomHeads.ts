import type { RoomName } from "../../domain/Room.ts"

/** So many rooms' heads are remembered; the one that was used longest ago is forgotten first and read again when it is needed. */
const rememberedRooms = 16_384

/** The last position of each room that this process knows to be stored. The log may be longer, never shorter. */
export class RoomHeads {
  private readonly heads = new Map<RoomName, number>()

  get(room: RoomName): number | undefined {
    return this.heads.get(room)
  }

  set(room: RoomName, head: number): void {
    this.heads.delete(room)
    this.heads.set(room, head)
    if (this.heads.size <= rememberedRooms) return
    for (const oldest of this.heads.keys()) {
      this.heads.delete(oldest)
      break
    }
  }

  forget(room: RoomName): void {
    this.heads.delete(room)
  }
}
