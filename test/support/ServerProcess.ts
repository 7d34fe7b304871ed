import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const main = resolve(import.meta.dirname, "../../src/main.ts")

/** The server as a process of its own, in a directory of its own, on free ports. */
export class ServerProcess {
  readonly directory = mkdtempSync(join(tmpdir(), "parley-server-"))
  readonly logFile = join(this.directory, "logs", "chat_message.log")
  private readonly children: Array<ChildProcess> = []

  /** Starts it; settles when it says that it is ready, or has ended. */
  async start(env: Readonly<Record<string, string>> = {}, args: ReadonlyArray<string> = []): Promise<Started> {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: this.directory,
      // Nothing of the developer's own configuration.
      env: { PATH: process.env["PATH"], HOME: this.directory, APP_PORT: "0", APP_PORT_SOCKET: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.children.push(child)
    const started = new Started(child)
    await started.settled
    return started
  }

  /** Kills what still runs, and removes the directory. */
  async remove(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill("SIGKILL")
      await once(child, "exit")
    }
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

  /** Where the page and the API are, as the server said. */
  get url(): string {
    return /Parley is ready: (\S+)/.exec(this.stdout)?.[1] ?? ""
  }

  get socketUrl(): string {
    return /\(WebSocket (\S+)\)/.exec(this.stdout)?.[1] ?? ""
  }

  /** Asks it to stop; the exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<readonly [code: number | null, signal: string | null]> {
    this.child.kill(signal)
    return this.exit
  }
}
