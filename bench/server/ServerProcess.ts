import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { BenchFault } from "../BenchFault.ts"
import type { ServerPlan, Target } from "../Target.ts"
import { processUsage } from "./ProcessUsage.ts"
import type { ProcessUsage } from "./ProcessUsage.ts"

const readyWithinMs = 20_000
const stopWithinMs = 5_000
/** Of what a server prints, so much of the end is kept for the message of a fault. */
const outputKept = 4_000

export interface LaunchOptions {
  /** Where the server keeps its files, which then outlive it. Without it a temporary directory, removed when the server stops. */
  readonly directory?: string
  /** Beside, and before, the plan's. */
  readonly env?: Readonly<Record<string, string>>
}

/** What a turn needs of a server. */
export interface RunningServer {
  readonly socketPort: number
  readonly usage: () => ProcessUsage | undefined
  /** What `work` gives; rejects with a `BenchFault` if the server ends meanwhile. */
  readonly unlessEnded: <A>(work: Promise<A>) => Promise<A>
}

const running = new Set<ServerProcess>()
process.on("exit", () => {
  for (const server of running) server.kill()
})

/** A server in a process and a directory of its own. Whatever happens, both are gone when this process is. */
export class ServerProcess implements RunningServer {
  readonly socketPort: number
  readonly readyUrl: string
  /** When the process was started, and from then to its first 200: milliseconds of `performance.now()`. */
  startedAt = 0
  startMs = 0
  readonly #child: ChildProcess
  /** Removed when the process is gone; undefined where it is somebody else's. */
  readonly #temporary: string | undefined
  readonly #ended = Promise.withResolvers<never>()
  #output = ""

  /** Ready when this resolves. Rejects with a `BenchFault` that shows what the server printed. */
  static async start(target: Target, options: LaunchOptions = {}): Promise<ServerProcess> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), `parley-bench-${target.name}-`))
    const plan = await target.plan(directory)
    const started = performance.now()
    const child = spawn(
      plan.program ?? process.execPath,
      [...(plan.nodeOptions ?? []), plan.entry].filter((arg) => arg !== undefined),
      {
        cwd: directory,
        env: { PATH: process.env["PATH"], NODE_ENV: "production", ...plan.env, ...options.env },
        stdio: ["ignore", "pipe", "pipe"]
      }
    )
    const server = new ServerProcess(target.name, child, plan, options.directory === undefined ? directory : undefined)
    try {
      await server.unlessEnded(untilReady(plan.readyUrl))
    } catch (cause) {
      await server.stop()
      throw server.#withOutput(cause)
    }
    server.startedAt = started
    server.startMs = performance.now() - started
    return server
  }

  private constructor(name: string, child: ChildProcess, plan: ServerPlan, temporary: string | undefined) {
    this.socketPort = plan.socketPort
    this.readyUrl = plan.readyUrl
    this.#child = child
    this.#temporary = temporary
    this.#ended.promise.catch(() => {})
    running.add(this)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-outputKept)
      })
    }
    child.on("error", (cause) => this.#ended.reject(new BenchFault(`${name} did not start: ${cause.message}`)))
    child.on("exit", (code, signal) => {
      this.#ended.reject(new BenchFault(`${name} ended by itself (${signal ?? `exit code ${code}`}).`))
    })
  }

  usage(): ProcessUsage | undefined {
    return this.#child.pid === undefined ? undefined : processUsage(this.#child.pid)
  }

  async unlessEnded<A>(work: Promise<A>): Promise<A> {
    return Promise.race([work, this.#ended.promise])
  }

  /** Asks it to end, ends it if it does not, and removes its directory. */
  async stop(): Promise<void> {
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, "exit")
      this.#child.kill("SIGTERM")
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopWithinMs)
      await exit
      clearTimeout(timer)
    }
    this.kill()
  }

  kill(): void {
    running.delete(this)
    this.#child.kill("SIGKILL")
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true, maxRetries: 3 })
  }

  #withOutput(cause: unknown): BenchFault {
    const message = cause instanceof Error ? cause.message : String(cause)
    return new BenchFault(`${message}\n${this.#output.trim()}`, { cause })
  }
}

const untilReady = async (url: string): Promise<void> => {
  const deadline = performance.now() + readyWithinMs
  while (performance.now() < deadline) {
    const status = await fetch(url, { signal: AbortSignal.timeout(1000) }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => undefined
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new BenchFault(`${url} did not answer 200 within ${readyWithinMs / 1000} s.`)
}
