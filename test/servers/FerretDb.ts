import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, it } from "vitest"
import { goProgram } from "./GoProgram.ts"
import { stopped } from "./Stopped.ts"

const source = join(import.meta.dirname, "ferretdb")

/** Why there is no server, and how to get one. */
interface NoServer {
  readonly missing: string
}

const how = "install Go 1.24 or newer (FerretDB is built from test/servers/ferretdb), or set MONGODB_TEST_URL"

/** FerretDB on SQLite files in a temporary directory, as a process of its own. It ends with this one, however that ends. */
export class FerretDb {
  readonly directory = mkdtempSync(join(tmpdir(), "parley-ferretdb-"))
  port = 0
  private readonly binary: string
  private child: ChildProcess | undefined

  constructor(binary: string) {
    this.binary = binary
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${this.port}`
  }

  private get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** On the port that it had before, with what it stored. Nothing where it runs. */
  async start(): Promise<void> {
    if (this.isRunning) return
    const child = spawn(this.binary, ["-directory", this.directory, "-port", String(this.port)], {
      stdio: ["pipe", "pipe", "ignore"]
    })
    this.child = child
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^listening (\d+)$/.exec(line)?.[1]
      if (port === undefined) continue
      this.port = Number(port)
      return
    }
    throw new Error("FerretDB did not start")
  }

  /** Settles when every thread stands: until then an answer may still come. */
  async freeze(): Promise<void> {
    if (this.child !== undefined) await stopped(this.child)
  }

  thaw(): void {
    this.child?.kill("SIGCONT")
  }

  /** As if its machine had gone. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || !this.isRunning) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A server of one's own. Fails, where `CI` is set, for want of one. */
export const startFerretDb = async (): Promise<FerretDb | NoServer> => {
  const binary = await goProgram(source)
  if (typeof binary !== "string") {
    const missing = `no FerretDB, ${binary.missing}: ${how}`
    if (process.env["CI"] !== undefined) throw new Error(missing)
    return { missing }
  }
  const server = new FerretDb(binary)
  await server.start()
  return server
}

/** Declares tests on a FerretDB of their own, which they freeze and kill as they like; or one that is skipped and says how to get it. */
export const onFerretDb = async (name: string, tests: (server: FerretDb) => void): Promise<void> => {
  const server = await startFerretDb()
  return server instanceof FerretDb ? served(server, tests) : skipped(name, server.missing)
}

const served = (server: FerretDb, tests: (server: FerretDb) => void): void => {
  afterAll(() => server.remove())
  tests(server)
}

const skipped = (name: string, why: string): void => it(`without a server: ${name}`, (test) => test.skip(why))

/** Declares tests that read and write databases of their own: on the server that `MONGODB_TEST_URL` names, else on a FerretDB. */
export const onMongoDb = async (name: string, tests: (uri: string) => void): Promise<void> => {
  const uri = process.env["MONGODB_TEST_URL"]
  return uri === undefined || uri === "" ? onFerretDb(name, (server) => tests(server.uri)) : tests(uri)
}
