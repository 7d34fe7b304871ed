import { isIP } from "node:net"
import type { Redacted } from "effect"

/** Where MySQL (or MariaDB) is and who asks. */
export interface MysqlOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Redacted.Redacted
  readonly database: string
  /** Absent: no TLS. Present: TLS or nothing, the server's certificate verified. */
  readonly tls?: MysqlTls | undefined
  /** How long a connection may take to be made, the handshake included, in milliseconds. Default 3,000. */
  readonly connectTimeoutMillis?: number | undefined
  /** How long anything that is asked may take, in milliseconds. Default 5,000. */
  readonly deadlineMillis?: number | undefined
}

export interface MysqlTls {
  /** Who may have signed the server's certificate, in PEM. Absent: whom the operating system trusts. */
  readonly ca?: string | undefined
  /** Whether the certificate must also be for `host`, which must be a name then. Default true. */
  readonly verifyHost?: boolean | undefined
}

/** The code of what `checkTls` throws. */
export const addressWithTls = "TLS_FOR_ADDRESS"

/** The driver compares the certificate of a server without a name with "localhost": better none than that. */
export const checkTls = ({ host, tls }: MysqlOptions): void => {
  if (tls === undefined || tls.verifyHost === false || isIP(host) === 0) return
  throw Object.assign(new Error("TLS for an address"), { code: addressWithTls })
}

export const connectTimeoutOf = (options: MysqlOptions): number => options.connectTimeoutMillis ?? 3_000
export const deadlineOf = (options: MysqlOptions): number => options.deadlineMillis ?? 5_000

/** The part of `mysql2`'s options that every connection has. Dates are text: no time zone of this process touches them. */
export const driverOptions = (options: MysqlOptions) => ({
  connectTimeout: connectTimeoutOf(options),
  charset: "utf8mb4",
  dateStrings: true,
  enableKeepAlive: true,
  keepAliveInitialDelay: 10_000,
  ...(options.tls === undefined
    ? {}
    : {
        ssl: {
          rejectUnauthorized: true,
          verifyIdentity: options.tls.verifyHost ?? true,
          ...(options.tls.ca === undefined ? {} : { ca: options.tls.ca })
        }
      })
})

/**
 * What every connection says first. UTC, since TIMESTAMP columns are written and read in the session's zone; strict, since MySQL would
 * otherwise cut what is too long and say nothing. A wait for a lock ends before the caller's deadline does, so that its outcome is known.
 */
export const sessionSettings = (options: MysqlOptions): string =>
  `SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
    innodb_lock_wait_timeout = ${Math.max(1, Math.floor(deadlineOf(options) / 2_000))}`
