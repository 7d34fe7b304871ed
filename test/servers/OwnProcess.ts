import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { stopped } from "./Stopped.ts"

/** A port that nobody listens at, a moment ago at least. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** A server's process that a test can stop, freeze, kill and start again. It does not outlive `runner`, however that one ends. */
export class OwnProcess {
  private child: ChildProcess | undefined
  private readonly command: ReadonlyArray<string>
  private readonly logFile: string
  private readonly runner: number

  constructor(command: ReadonlyArray<string>, logFile: string, runner: number) {
    this.command = command
    this.logFile = logFile
    this.runner = runner
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** Starts it; `isUp` is asked again and again until it says so. Fails with the end of the log where the process ends instead. */
  async start(isUp: () => Promise<boolean>): Promise<void> {
    const log = openSync(this.logFile, "a")
    const [file = "", ...args] = this.command
    const child = spawn(file, args, { stdio: ["ignore", log, log], detached: true })
    closeSync(log)
    this.child = child
    child.unref()
    await once(child, "spawn")
    spawn(
      "sh",
      ["-c", `while kill -0 ${this.runner} && kill -0 ${child.pid}; do sleep 1; done; kill -9 ${child.pid}`],
      { stdio: "ignore", detached: true }
    ).unref()
    while (!(await isUp())) {
      if (this.hasEnded) throw new Error(`${file} did not start: ${readFileSync(this.logFile, "utf8").slice(-2_000)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  private get hasEnded(): boolean {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Lets it do nothing, and say nothing, until `thaw`. */
  async freeze(): Promise<void> {
    if (this.child !== undefined) await stopped(this.child)
  }

  thaw(): void {
    this.child?.kill("SIGCONT")
  }

  /** Ends it; settles when it has ended. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const { child } = this
    if (child === undefined || this.hasEnded) return
    const exit = once(child, "exit")
    child.kill(signal)
    // A frozen process ends of nothing but SIGKILL.
    if (signal === "SIGTERM") child.kill("SIGCONT")
    await exit
  }
}
