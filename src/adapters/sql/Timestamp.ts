import { Schema, SchemaGetter } from "effect"

/**
 * A TIMESTAMP column, as milliseconds since 1970 UTC. Written as UTC text in whole seconds (`2026-01-31 09:10:00`), which every dialect
 * takes and which sorts by time; read as text or as the `Date` that a driver made of it. A client whose server has
 * time zones sets its sessions to UTC.
 */
export const toTimestamp = (millis: number): string => new Date(millis).toISOString().slice(0, 19).replace("T", " ")

/** Decodes what `toTimestamp` wrote. */
export const Timestamp = Schema.Union([Schema.Date, Schema.String]).pipe(
  Schema.decodeTo(Schema.Int, {
    decode: SchemaGetter.transform((value) =>
      typeof value === "string" ? Date.parse(`${value.replace(" ", "T")}Z`) : value.getTime()
    ),
    encode: SchemaGetter.transform(toTimestamp)
  })
)
