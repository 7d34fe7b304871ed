import { Effect, Layer } from "effect"
import type { Scope } from "effect"
import * as Memory from "../../src/adapters/memory/Journal.ts"
import * as Sqlite from "../../src/adapters/sqlite/Journal.ts"
import type { Journal } from "../../src/ports/Journal.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

/** One adapter as the contract suites see it. */
export interface JournalAdapter {
  readonly name: string
  /** True where a layer that is built again holds what was stored before. */
  readonly keeps: boolean
  /** A layer over an empty store of its own, which goes when the scope ends. */
  readonly empty: Effect.Effect<Layer.Layer<Journal, unknown>, never, Scope.Scope>
}

export const memory: JournalAdapter = { name: "memory", keeps: false, empty: Effect.succeed(Layer.fresh(Memory.layer)) }

export const sqlite: JournalAdapter = {
  name: "sqlite",
  keeps: true,
  empty: Effect.map(temporaryDirectory, (directory) => Layer.fresh(Sqlite.layer({ directory })))
}
