import { Effect, Layer } from "effect"
import { layer as sqliteJournal } from "./adapters/sqlite/Journal.ts"
import { layer as sqliteOwnership } from "./adapters/sqlite/OwnerLock.ts"
import { layer as sqlitePeople } from "./adapters/sqlite/People.ts"
import type { AppConfig, Databases } from "./Config.ts"
import { EngineStats } from "./domain/EngineStats.ts"
import type { Journal, JournalError } from "./ports/Journal.ts"
import type { Ownership } from "./ports/Ownership.ts"
import type { SessionStore } from "./ports/SessionStore.ts"
import type { Users } from "./ports/Users.ts"

export interface StoresOptions extends Pick<AppConfig, "dataDir" | "databases"> {
  /** Whether to wait, as a spare, while another process owns the stores in `dataDir`; else that is an error. With databases it is always waited for. */
  readonly standBy: boolean
  /** The journal cannot be trusted any more. */
  readonly onBroken: (error: JournalError) => void
}

/** Whatever they fail with has a `message` of one line. */
export interface Stores {
  readonly stores: Layer.Layer<Journal | Users | SessionStore, Error, EngineStats>
  /** Users and sessions alone, for an operator's command: beside a server that owns the stores, too. */
  readonly people: Layer.Layer<Users | SessionStore, Error>
  /** To be acquired before the stores are built. */
  readonly ownership: Layer.Layer<Ownership, Error>
}

const counting = Effect.map(EngineStats, (stats) => (_batches: number, _events: number, millis: number) => {
  stats.commits += 1
  stats.commitSeconds.observe(millis / 1000)
})

/** Users, sessions and the journal, in SQLite files in `dataDir`. */
const embedded = ({ dataDir, onBroken, standBy }: StoresOptions): Stores => ({
  stores: Layer.merge(
    sqlitePeople({ directory: dataDir }),
    Layer.unwrap(Effect.map(counting, (onCommit) => sqliteJournal({ directory: dataDir, onCommit, onBroken })))
  ),
  people: sqlitePeople({ directory: dataDir }),
  ownership: sqliteOwnership({ directory: dataDir, wait: standBy })
})

/** Users and sessions in MySQL, the journal in MongoDB. Their drivers are loaded where they are used: a quarter of the time that a start takes to load. */
const databases = (options: Databases): Stores => {
  const loaded = Effect.map(
    Effect.promise(() => import("./DatabaseStores.ts")),
    ({ databaseStores }) => databaseStores(options, counting)
  )
  return {
    stores: Layer.unwrap(Effect.map(loaded, ({ stores }) => stores)),
    people: Layer.unwrap(Effect.map(loaded, ({ people }) => people)),
    ownership: Layer.unwrap(Effect.map(loaded, ({ ownership }) => ownership))
  }
}

/** Where the configuration keeps everything: the stores, and who may own them. */
export const storesOf = (options: StoresOptions): Stores =>
  options.databases === undefined ? embedded(options) : databases(options.databases)
