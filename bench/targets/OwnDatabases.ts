import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OptionsError } from "../OptionsError.ts"

/** What a server needs in its environment to use them. */
export interface OwnDatabases {
  readonly label: string
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => Promise<void>
}

/** The servers of the tests, started for this run on temporary directories: MariaDB and FerretDB. Throws an `OptionsError` that says how to get what is missing. */
export const startDatabases = async (): Promise<OwnDatabases> => {
  // Only here: they bring the test runner with them.
  const { MariaDb, noMariaDbProcess } = await import("../../test/servers/MariaDb.ts")
  const { FerretDb, startFerretDb } = await import("../../test/servers/FerretDb.ts")
  const { databasesOn } = await import("../../test/support/Stores.ts")
  if (noMariaDbProcess !== undefined) throw new OptionsError(`--journal mongodb: ${noMariaDbProcess}`)
  const ferretDb = await startFerretDb()
  if (!(ferretDb instanceof FerretDb)) throw new OptionsError(`--journal mongodb: ${ferretDb.missing}`)
  const directory = mkdtempSync(join(tmpdir(), "parley-bench-mariadb-"))
  const mariaDb = await MariaDb.create(directory, process.pid)
  const { env } = await databasesOn(mariaDb.address, ferretDb.uri)
  return {
    label: "MariaDB and FerretDB",
    env,
    remove: async () => {
      await mariaDb.remove(directory)
      await ferretDb.remove()
    }
  }
}
