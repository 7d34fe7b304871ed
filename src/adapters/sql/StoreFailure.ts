import type { Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { StoreUnavailable } from "../../ports/Users.ts"

/**
 * What a port says of a failed statement. `detail` is for the log and names the operation, the kind of failure and the driver's code, never
 * the driver's text: that may quote values, and values here are hashes.
 */
export const storeFailure =
  (store: StoreUnavailable["store"], operation: string) =>
  (error: SqlError | Schema.SchemaError): StoreUnavailable =>
    new StoreUnavailable({
      store,
      detail:
        error._tag === "SqlError"
          ? `${operation}: ${error.reason._tag}${codeOf(error.reason.cause)}`
          : `${operation}: a row is not of the expected shape`
    })

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return ""
  const codes: ReadonlyArray<unknown> = [
    "code" in cause ? cause.code : undefined,
    "errcode" in cause ? cause.errcode : undefined,
    "errno" in cause ? cause.errno : undefined
  ]
  const said = codes.filter((code) => typeof code === "string" || typeof code === "number")
  return said.length === 0 ? "" : ` (${[...new Set(said)].join(" ")})`
}
