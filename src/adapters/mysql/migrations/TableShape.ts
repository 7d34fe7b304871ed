import { Effect } from "effect"
import type { MigrationContext } from "../Migrations.ts"

/** One column as the server describes it. */
export interface Column {
  readonly name: string
  /** As it is written in a CREATE TABLE, such as `bigint unsigned`. */
  readonly type: string
  readonly nullable: boolean
  readonly collation: string | undefined
  /** In characters; undefined where the column is no text. */
  readonly length: number | undefined
}

/** The columns of a table by name; none where there is no such table. */
export const columnsOf = ({ run }: MigrationContext, table: string) =>
  run(
    `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, COLLATION_NAME AS collation,
        CHARACTER_MAXIMUM_LENGTH AS length
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table]
  ).pipe(
    Effect.map(
      (rows): ReadonlyMap<string, Column> =>
        new Map(
          rows.map((row) => [
            String(row["name"]),
            {
              name: String(row["name"]),
              type: String(row["type"]),
              nullable: row["nullable"] === "YES",
              collation: typeof row["collation"] === "string" ? row["collation"] : undefined,
              length: row["length"] === null ? undefined : Number(row["length"])
            }
          ])
        )
    )
  )

export const engineOf = ({ run }: MigrationContext, table: string) =>
  run("SELECT ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?", [
    table
  ]).pipe(Effect.map(([row]) => String(row?.["engine"])))

/** Whether an index, whatever its name, makes the whole of `column` unique. */
export const isUnique = ({ run }: MigrationContext, table: string, column: string) =>
  run(
    `SELECT INDEX_NAME AS name FROM information_schema.STATISTICS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0
      GROUP BY INDEX_NAME
      HAVING COUNT(*) = 1 AND MAX(COLUMN_NAME) = ? AND MAX(SUB_PART) IS NULL`,
    [table, column]
  ).pipe(Effect.map((rows) => rows.length > 0))
