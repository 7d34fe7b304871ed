import { createHash } from "node:crypto"

/** The name of a lock of the server that belongs to one database: names are at most 64 characters, and the server's databases share them. */
export const lockName = (purpose: string, database: string): string =>
  `parley:${createHash("sha256").update(`${purpose}\0${database}`).digest("hex").slice(0, 40)}`
