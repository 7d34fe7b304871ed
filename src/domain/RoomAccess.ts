import { Context, Effect, Layer, Schema } from "effect"
import type { Redacted } from "effect"
import { RoomTokens } from "../ports/RoomTokens.ts"
import type { Principal } from "./Account.ts"
import { isPrivate } from "./Room.ts"
import type { RoomName } from "./Room.ts"

/** Whoever has no right to a private room is answered as if it did not exist; `expired`: a fresh token would open it. */
export class RoomRefused extends Schema.TaggedError<RoomRefused>()("RoomRefused", {
  reason: Schema.Literals(["forbidden", "expired"])
}) {}

/** Until when the room is open: milliseconds since 1970 UTC; `undefined` has no end. */
export interface Entrance {
  readonly until: number | undefined
}

/** Who may read and write a room without showing anything. */
export const mayEnter = (_who: Principal | "guest", room: RoomName): boolean => !isPrivate(room)

/**
 * Who may read and write a room. Every door asks here: the wires, history, presence, RPC. A private room is opened by a subscription token for this room and this
 * account (or, with an empty `sub`, for guests); a token that is shown for an open room must be good, too.
 */
export class RoomAccess extends Context.Service<
  RoomAccess,
  {
    readonly enter: (
      who: Principal | "guest",
      room: RoomName,
      token: Redacted.Redacted<string> | undefined
    ) => Effect.Effect<Entrance, RoomRefused>
  }
>()("parley/domain/RoomAccess") {
  static readonly layer = Layer.effect(
    RoomAccess,
    Effect.map(RoomTokens, (tokens) => ({
      enter: (who, room, token) => {
        if (token === undefined) {
          return mayEnter(who, room) ? Effect.succeed(open) : Effect.fail(new RoomRefused({ reason: "forbidden" }))
        }
        return tokens.verify(token).pipe(
          Effect.mapError(({ reason }) => new RoomRefused({ reason: reason === "expired" ? "expired" : "forbidden" })),
          Effect.flatMap((claims) =>
            claims.room === room && claims.user === (who === "guest" ? "" : who.username)
              ? Effect.succeed({ until: claims.expiresAt })
              : Effect.fail(new RoomRefused({ reason: "forbidden" }))
          )
        )
      }
    }))
  )
}

const open: Entrance = { until: undefined }
