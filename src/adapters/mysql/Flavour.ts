import { Effect } from "effect"
import type { ConnectionFault, DedicatedConnection } from "./DedicatedConnection.ts"
import { DatabaseUnusable } from "./DatabaseUnusable.ts"

/** What differs between MySQL and MariaDB. */
export interface Flavour {
  readonly name: "MySQL" | "MariaDB"
  /**
   * Compares text byte by byte and to its end. (`utf8mb4_bin` does not: it takes trailing blanks for nothing.) Each has its own name for it.
   */
  readonly exact: "utf8mb4_0900_bin" | "utf8mb4_nopad_bin"
}

/** The oldest that are served: the first MySQL with a binary collation that does not pad, the oldest MariaDB that the adapter is meant for. */
const oldestServers = { MySQL: [8, 0, 17], MariaDB: [10, 6, 0] } as const

/** Whose server this is, by what it says of itself; a too old one fails. */
export const flavourOf = (version: string, place: string): Effect.Effect<Flavour, DatabaseUnusable> => {
  const name = /mariadb/i.test(version) ? "MariaDB" : "MySQL"
  // MariaDB may say "5.5.5-10.11.6-MariaDB": that is 10.11.6, for clients that believe nobody else.
  const [, ...found] = /(\d+)\.(\d+)\.(\d+)/.exec(version.replace(/^5\.5\.5-/, "")) ?? []
  const oldest = oldestServers[name]
  const difference = oldest.map((part, at) => Number(found[at] ?? 0) - part).find((part) => part !== 0) ?? 0
  return difference >= 0
    ? Effect.succeed({ name, exact: name === "MySQL" ? "utf8mb4_0900_bin" : "utf8mb4_nopad_bin" })
    : Effect.fail(
        new DatabaseUnusable({
          variable: "DB_HOST",
          problem: "old",
          detail: `the server at ${place} is ${name} ${found.join(".")}; expected ${name} ${oldest.join(".")} or newer`
        })
      )
}

export const serverVersion = (connection: DedicatedConnection): Effect.Effect<string, ConnectionFault> =>
  Effect.map(connection.query("SELECT VERSION() AS version"), ([row]) => String(row?.["version"]))
