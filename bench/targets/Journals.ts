import { OptionsError } from "../OptionsError.ts"

/** Where Parley keeps its messages in a run: what its environment gets for it. */
export interface JournalChoice {
  /** As `--journal` names it. */
  readonly name: string
  readonly label: string
  /** Whether the journal lies in the server's own directory, so that a fixture can fill it beforehand. */
  readonly embedded: boolean
  /** What the server needs, out of the environment of the benchmark. Throws an `OptionsError` that names what is missing. */
  readonly env: (environment: Readonly<Record<string, string | undefined>>) => Readonly<Record<string, string>>
}

const sqlite: JournalChoice = { name: "sqlite", label: "SQLite", embedded: true, env: () => ({}) }

const needed = ["MONGODB_URI", "DB_HOST", "DB_USER", "DB_NAME"]
const allowed = ["DB_PORT", "DB_PASSWORD"]

/** The stores are the user's, and stay: every turn speaks in rooms of its own. */
const mongodb: JournalChoice = {
  name: "mongodb",
  label: "MongoDB",
  embedded: false,
  env: (environment) => {
    const missing = needed.filter((name) => (environment[name] ?? "") === "")
    if (missing.length > 0) throw new OptionsError(`--journal mongodb: set ${missing.join(", ")} for the server.`)
    return Object.fromEntries(
      [...needed, ...allowed].flatMap((name) => {
        const value = environment[name]
        return value === undefined || value === "" ? [] : [[name, value]]
      })
    )
  }
}

export const journals: ReadonlyArray<JournalChoice> = [sqlite, mongodb]
