import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import * as Mysql from "mysql2/promise"
import { inject } from "vitest"
import { OwnProcess, freePort } from "./OwnProcess.ts"
import { sharedServer } from "./SharedServer.ts"

/** Where a server is, and who may do everything there. */
export interface MariaDbAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Signed the server's certificate, which is for `localhost`; PEM. Undefined for a server that is not ours. */
  readonly ca: string | undefined
}

const find = (name: string, variable: string): string | undefined =>
  [process.env[variable], `/usr/sbin/${name}`, `/usr/bin/${name}`, `/usr/local/sbin/${name}`, `/usr/local/bin/${name}`]
    .filter((path) => path !== undefined)
    .find((path) => existsSync(path))

const server = find("mariadbd", "MARIADBD")
const install = find("mariadb-install-db", "MARIADB_INSTALL_DB")
const hasBinaries = server !== undefined && install !== undefined
const howTo = "no MariaDB found: apt-get install mariadb-server, or set MARIADBD and MARIADB_INSTALL_DB to its programs"

/** Why tests that stop and freeze a server cannot run here, or `undefined`. Where `CI` is set there is no excuse: they fail. */
export const noMariaDbProcess: string | undefined = hasBinaries || process.env["CI"] !== undefined ? undefined : howTo

/** The same of tests that are content with any server: `MYSQL_TEST_URL` (`mysql://user:password@host:port`) names another. */
export const noMariaDb: string | undefined = process.env["MYSQL_TEST_URL"] === undefined ? noMariaDbProcess : undefined

const user = "parley"
const password = "a test's password"

/** A MariaDB in `directory` that listens on 127.0.0.1 alone. What it says is stored is stored: every commit is synced. */
export class MariaDb {
  readonly address: MariaDbAddress
  private readonly process: OwnProcess

  private constructor(directory: string, port: number, runner: number) {
    const keys = join(directory, "tls")
    this.address = { host: "127.0.0.1", port, user, password, ca: readFileSync(join(keys, "ca.pem"), "utf8") }
    this.process = new OwnProcess(
      [
        server ?? "mariadbd",
        "--no-defaults",
        `--user=${userInfo().username}`,
        `--datadir=${join(directory, "data")}`,
        `--socket=${join(directory, "socket")}`,
        `--pid-file=${join(directory, "pid")}`,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--max-connections=300",
        // A server as careless as they come: what the adapter needs, it sets itself.
        "--default-time-zone=+05:00",
        "--sql-mode=",
        "--performance-schema=OFF",
        "--innodb-buffer-pool-size=32M",
        "--innodb-log-file-size=8M",
        "--innodb-flush-log-at-trx-commit=1",
        "--log-bin=binlog",
        "--sync-binlog=1",
        `--ssl-ca=${join(keys, "ca.pem")}`,
        `--ssl-cert=${join(keys, "server.pem")}`,
        `--ssl-key=${join(keys, "server.key")}`
      ],
      join(directory, "log"),
      runner
    )
  }

  /** Makes the databases of a new server and starts it. `directory` is there and empty. */
  static async create(directory: string, runner: number): Promise<MariaDb> {
    if (install === undefined || server === undefined) throw new Error(howTo)
    const args = ["--no-defaults", `--user=${userInfo().username}`, `--datadir=${join(directory, "data")}`]
    const small = [
      "--innodb-buffer-pool-size=16M",
      "--innodb-log-file-size=8M",
      "--skip-test-db",
      "--skip-name-resolve"
    ]
    execFileSync(install, [...args, ...small, "--auth-root-authentication-method=normal"], { stdio: "pipe" })
    makeCertificate(join(directory, "tls"))
    const made = new MariaDb(directory, await freePort(), runner)
    await made.start("root", "")
    const root = await Mysql.createConnection({
      host: "127.0.0.1",
      port: made.address.port,
      user: "root",
      password: ""
    })
    await root.query(`CREATE USER ${user} IDENTIFIED BY ?`, [password])
    await root.query(`GRANT ALL ON *.* TO ${user} WITH GRANT OPTION`)
    await root.end()
    return made
  }

  get pid(): number {
    return this.process.pid
  }

  /** On the same data, at the same port. */
  start(as = user, its = password): Promise<void> {
    return this.process.start(async () => {
      try {
        const { host, port } = this.address
        const connection = await Mysql.createConnection({ host, port, user: as, password: its, connectTimeout: 1_000 })
        await connection.end()
        return true
      } catch {
        return false
      }
    })
  }

  stop(): Promise<void> {
    return this.process.end("SIGTERM")
  }

  kill(): Promise<void> {
    return this.process.end("SIGKILL")
  }

  freeze(): Promise<void> {
    return this.process.freeze()
  }

  thaw(): void {
    this.process.thaw()
  }

  async remove(directory: string): Promise<void> {
    await this.kill()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A certificate for `localhost`, and who signed it. */
const makeCertificate = (directory: string): void => {
  mkdirSync(directory)
  const openssl = (...args: ReadonlyArray<string>) =>
    execFileSync("openssl", [...args], { cwd: directory, stdio: "pipe" })
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Parley tests")
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"]
  const leaf = ["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
  openssl("req", "-x509", ...key, ...signed, ...leaf, "-keyout", "server.key", "-out", "server.pem")
}

/** The server of this run, or the one that `MYSQL_TEST_URL` names. */
export const mariaDb = async (): Promise<MariaDbAddress> => {
  const url = process.env["MYSQL_TEST_URL"]
  if (url !== undefined) {
    const { hostname: host, password, port, username: user } = new URL(url)
    return {
      host,
      port: Number(port || 3306),
      user: decodeURIComponent(user),
      password: decodeURIComponent(password),
      ca: undefined
    }
  }
  return sharedServer("mariadb", async (directory) => {
    const made = await MariaDb.create(directory, inject("servers").runner)
    return { pid: made.pid, info: made.address }
  })
}
