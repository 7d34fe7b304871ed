import { readFileSync } from "node:fs"
import { Effect, Layer } from "effect"
import { layer as mongoJournal } from "./adapters/mongodb/Journal.ts"
import type { MysqlOptions } from "./adapters/mysql/MysqlOptions.ts"
import { layer as mysqlOwnership } from "./adapters/mysql/Ownership.ts"
import { layer as mysqlPeople } from "./adapters/mysql/People.ts"
import type { Databases } from "./Config.ts"
import type { EngineStats } from "./domain/EngineStats.ts"
import { StartError } from "./StartError.ts"
import type { Stores } from "./Stores.ts"

const certificates = (file: string): Effect.Effect<string, StartError> =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (error) =>
      new StartError({ lines: [`DB_TLS_CA: ${file} cannot be read (${error instanceof Error ? error.message : ""})`] })
  })

const mysqlOptions = ({ tls, ...mysql }: Databases["mysql"]): Effect.Effect<MysqlOptions, StartError> => {
  if (tls === undefined) return Effect.succeed(mysql)
  if (tls.caFile === undefined) return Effect.succeed({ ...mysql, tls: {} })
  return Effect.map(certificates(tls.caFile), (ca) => ({ ...mysql, tls: { ca } }))
}

/** Users and sessions in MySQL, the journal in MongoDB. */
export const databaseStores = (
  { mongodb, mysql }: Databases,
  counting: Effect.Effect<(batches: number, events: number, millis: number) => void, never, EngineStats>
): Stores => ({
  stores: Layer.merge(
    Layer.unwrap(Effect.map(mysqlOptions(mysql), mysqlPeople)),
    Layer.unwrap(Effect.map(counting, (onCommit) => mongoJournal({ uri: mongodb.uri, onCommit })))
  ),
  people: Layer.unwrap(Effect.map(mysqlOptions(mysql), mysqlPeople)),
  ownership: Layer.unwrap(
    Effect.map(mysqlOptions(mysql), (options) => mysqlOwnership({ ...options, journal: "chat_history" }))
  )
})
