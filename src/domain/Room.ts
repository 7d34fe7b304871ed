import { Schema } from "effect"

/**
 * The name of a room: 1–64 letters, digits, `_`, `.`, `:` or `-`, as it stands in `?room=`.
 * A name that starts with `$` is private: every door asks for the right first (see `RoomAccess`).
 */
export const RoomName = Schema.String.check(
  Schema.isPattern(/^\$?[A-Za-z0-9_.:-]{1,64}$/, {
    expected: "1–64 letters, digits or _ . : -, optionally after a $"
  })
).pipe(Schema.brand("RoomName"))
export type RoomName = typeof RoomName.Type

/** Where a client goes that names no room. */
export const defaultRoom: RoomName = RoomName.make("lobby")

/** Private rooms are named to nobody who has no right to them: not by a dashboard, not by a metric, not in a log line. */
export const isPrivate = (room: RoomName): boolean => room.startsWith("$")

/**
 * A position in a room's log: 1, 2, 3 … without a hole, on every journal. 0 is "before the first entry".
 */
export const Seq = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })).pipe(
  Schema.brand("Seq")
)
export type Seq = typeof Seq.Type

/**
 * The identity of a journal, stored in it and renewed by a restore. A position means something only together
 * with the epoch it was read under.
 */
export const Epoch = Schema.NonEmptyString.pipe(Schema.brand("Epoch"))
export type Epoch = typeof Epoch.Type
