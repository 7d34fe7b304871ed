import { Effect, Schema } from "effect"
import type { Statement } from "effect/sql/Statement"

const count = Schema.Union([Schema.Number, Schema.BigInt])
const decodeResult = Schema.decodeUnknownEffect(
  Schema.Union([Schema.Struct({ changes: count }), Schema.Struct({ affectedRows: count })])
)

/** How many rows an INSERT, UPDATE or DELETE touched: the one thing about it that each driver words in its own way. */
export const affectedRows = <A>(statement: Statement<A>) =>
  statement.raw.pipe(
    Effect.flatMap((result) => decodeResult(result)),
    Effect.map((result) => Number("changes" in result ? result.changes : result.affectedRows))
  )
