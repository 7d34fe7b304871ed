import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setImmediate } from "node:timers/promises"
import { embedded } from "./Stores.ts"
import type { OwnStores, Stores } from "./Stores.ts"

const main = resolve(import.meta.dirname, "../../src/main.ts")

/** No limits: for tests that are about something else, and send more than people do. */
export const unlimited = {
  RATE_LIMIT_PER_MINUTE: "0",
  LOGINS_PER_MINUTE: "0",
  MESSAGE_RATE: "0",
  SOCKETS_PER_USER: "0"
}

/** The server as a process of its own, in a directory of its own, on free ports, with stores of its own. */
export class ServerProcess {
  readonly directory = mkdtempSync(join(tmpdir(), "parley-server-"))
  readonly logFile = join(this.directory, "logs", "chat_message.log")
  private readonly children: Array<ChildProcess> = []
  private readonly kind: Stores
  private readonly around: ReadonlyArray<string>
  private made: Promise<OwnStores> | undefined

  /** `around`: what starts it, where it is not started as it is; has to become it (`exec`). */
  constructor(kind: Stores = embedded, around: ReadonlyArray<string> = []) {
    this.kind = kind
    this.around = around
  }

  /** Made when they are first asked for. */
  get stores(): Promise<OwnStores> {
    return (this.made ??= this.kind.make(this.directory))
  }

  /** Starts it; settles when it says that it is ready, or has ended. */
  async start(env: Readonly<Record<string, string>> = {}, args: ReadonlyArray<string> = []): Promise<Started> {
    const started = this.launch({ ...(await this.stores).env, ...env }, args)
    await started.settled
    return started
  }

  /** Starts it, on what `env` says alone, and waits for nothing. */
  launch(env: Readonly<Record<string, string>> = {}, args: ReadonlyArray<string> = []): Started {
    const [command = process.execPath, ...rest] = [
      ...this.around,
      process.execPath,
      "--max-semi-space-size=16",
      main,
      ...args
    ]
    const child = spawn(command, rest, {
      cwd: this.directory,
      // Nothing of the developer's own configuration.
      env: { PATH: process.env["PATH"], HOME: this.directory, APP_PORT: "0", APP_PORT_SOCKET: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.children.push(child)
    return new Started(child)
  }

  /** Starts it; fails when it ends instead. Another start on the same directory finds the same data. */
  async up(env: Readonly<Record<string, string>> = {}): Promise<Started> {
    const started = await this.start(env)
    if (started.url === "") throw new Error(`the server did not start: ${started.stderr}`)
    return started
  }

  /** The first line of the log that is like this; waits until it has been written. */
  async logged(isIt: (line: string) => boolean): Promise<string> {
    for (;;) {
      const lines = existsSync(this.logFile) ? readFileSync(this.logFile, "utf8").split("\n") : []
      const found = lines.find(isIt)
      if (found !== undefined) return found
      await setImmediate()
    }
  }

  /** Kills what still runs, and removes the directory and the stores. */
  async remove(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill("SIGKILL")
      await once(child, "exit")
    }
    await (await this.made)?.remove()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export class Started {
  readonly child: ChildProcess
  stdout = ""
  stderr = ""
  /** When it is ready or has ended. */
  readonly settled: Promise<void>
  /** The exit code, and null with the signal that ended it. */
  readonly exit: Promise<readonly [code: number | null, signal: string | null]>

  constructor(child: ChildProcess) {
    this.child = child
    this.exit = new Promise((done) => {
      child.once("close", (code, signal) => done([code, signal]))
    })
    child.stderr?.on("data", (chunk: Buffer) => void (this.stderr += chunk.toString()))
    const ready = new Promise<void>((done) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        this.stdout += chunk.toString()
        if (this.stdout.includes("Parley is ready")) done()
      })
    })
    this.settled = Promise.race([ready, this.exit.then(() => undefined)])
  }

  /** Completes when it has printed the text; rejects when it ends without. */
  async says(text: string): Promise<void> {
    const ended = this.exit.then(() => {
      throw new Error(`it ended without ${JSON.stringify(text)}: ${this.stdout}${this.stderr}`)
    })
    const { promise: said, resolve: look } = Promise.withResolvers<void>()
    const onData = (): void => {
      if (this.stdout.includes(text)) look()
    }
    onData()
    this.child.stdout?.on("data", onData)
    await Promise.race([said, ended]).finally(() => this.child.stdout?.off("data", onData))
  }

  /** Where the page and the API are, as the server said. */
  get url(): string {
    return /Parley is ready: (\S+)/.exec(this.stdout)?.[1] ?? ""
  }

  get socketUrl(): string {
    return /\(WebSocket (\S+)\)/.exec(this.stdout)?.[1] ?? ""
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Asks it to stop; the exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<readonly [code: number | null, signal: string | null]> {
    this.child.kill(signal)
    return this.exit
  }
}
