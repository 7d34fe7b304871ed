import { OptionsError } from "../OptionsError.ts"
import { startDatabases } from "./OwnDatabases.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Where Parley keeps its messages in a run: what its environment gets for it. */
export interface JournalChoice {
  /** As `--journal` names it. */
  readonly name: string
  readonly label: string
  /** Whether the journal lies in the server's own directory, so that a fixture can fill it beforehand. */
  readonly embedded: boolean
  /**
   * What the server needs, out of the environment of the benchmark; what was started for it ends with `remove`. Throws an `OptionsError` that
   * names what is missing.
   */
  readonly open: (environment: Environment) => Promise<OpenJournal>
}

/** A journal that a server can be started on. */
export interface OpenJournal {
  /** What it is, and whether what is acknowledged is durable there: FerretDB ignores write concerns, of another's server it is not known. */
  readonly label: string
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => Promise<void>
}

const sqlite: JournalChoice = {
  name: "sqlite",
  label: "SQLite",
  embedded: true,
  open: () => Promise.resolve({ label: "durable, SQLite", env: {}, remove: () => Promise.resolve() })
}

const needed = ["MONGODB_URI", "DB_HOST", "DB_USER", "DB_NAME"]
const allowed = ["DB_PORT", "DB_PASSWORD"]

/** The databases that the environment names: they stay, and every turn speaks in rooms of its own. Where it names none, the tests' own servers. */
const mongodb: JournalChoice = {
  name: "mongodb",
  label: "MongoDB",
  embedded: false,
  open: async (environment) => {
    const isSet = (name: string): boolean => (environment[name] ?? "") !== ""
    const missing = needed.filter((name) => !isSet(name))
    if (missing.length === needed.length) return startDatabases()
    if (missing.length > 0) {
      throw new OptionsError(
        `--journal mongodb: set ${missing.join(", ")}, too, or none of ${needed.join(", ")} to have MariaDB and FerretDB started.`
      )
    }
    const env = Object.fromEntries([...needed, ...allowed].filter(isSet).map((name) => [name, environment[name] ?? ""]))
    return { label: "MySQL and MongoDB", env, remove: () => Promise.resolve() }
  }
}

export const journals: ReadonlyArray<JournalChoice> = [sqlite, mongodb]
