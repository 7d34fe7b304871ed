import type { Principal } from "./Account.ts"
import { isPrivate } from "./Room.ts"
import type { RoomName } from "./Room.ts"

/**
 * Who may read and write a room. Every door asks here: the wires, history, presence, RPC.
 * Nobody is a member of a private room yet: they answer as if they did not exist.
 */
export const mayEnter = (_who: Principal | "guest", room: RoomName): boolean => !isPrivate(room)
