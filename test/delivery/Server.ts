import { rmSync } from "node:fs"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import type { ServerEnd } from "./Scenario.ts"
import type { World } from "./World.ts"

/** Clients log in once, however long the run is. */
const lasting = { ACCESS_TOKEN_TTL: "30 days", REFRESH_TOKEN_TTL: "30 days" }

/** The server process and its ends. Whatever ends without being asked to is recorded as broken. */
export class Server {
  readonly #process: ServerProcess
  readonly #world: World
  readonly #env: Readonly<Record<string, string>>
  #started: Started | undefined
  /** Where this process ends first. */
  readonly #onExit = (): void => {
    this.#started?.child.kill("SIGKILL")
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 })
  }
  kills = 0
  stops = 0

  /** `env` says, among others, which stores it is on; by default those in a directory of its own. `around` is what starts it. */
  constructor(world: World, env: Readonly<Record<string, string>>, around: ReadonlyArray<string> = []) {
    this.#process = new ServerProcess(undefined, around)
    this.#world = world
    this.#env = { ...unlimited, SOCKETS_PER_IP: "0", ...lasting, ...env }
    process.on("exit", this.#onExit)
  }

  get directory(): string {
    return this.#process.directory
  }

  /** The process that runs, if one does. */
  get started(): Started | undefined {
    return this.#started
  }

  async start(): Promise<void> {
    const started = this.#process.launch(this.#env)
    this.#started = started
    void this.#watch(started)
    await started.settled
    if (started.url === "") return
    this.#world.url = started.url
    this.#world.socketUrl = started.socketUrl
    this.#says("is ready")
  }

  /** Ends it as planned and starts it again on the same data. */
  async restart({ againAfterMillis, downMillis, signal }: ServerEnd): Promise<void> {
    await this.#end(signal)
    await this.#world.pause(downMillis)
    if (againAfterMillis !== undefined) {
      this.#started = this.#process.launch(this.#env)
      await this.#world.pause(againAfterMillis)
      await this.#end("SIGKILL")
    }
    await this.start()
  }

  /** Ends it for good; its files stay. */
  async kill(): Promise<void> {
    const started = this.#started
    this.#started = undefined
    process.off("exit", this.#onExit)
    await started?.stop("SIGKILL")
  }

  /** Ends it for good, files and all. */
  async remove(): Promise<void> {
    await this.kill()
    await this.#process.remove()
  }

  async #watch(started: Started): Promise<void> {
    const [code, signal] = await started.exit
    if (this.#started !== started) return
    this.#says(`ended by itself (${signal ?? code}): ${started.stderr.trim().slice(-500)}`, true)
  }

  async #end(how: "SIGKILL" | "SIGTERM"): Promise<void> {
    const started = this.#started
    if (started === undefined) return
    this.#started = undefined
    this.#says(how === "SIGKILL" ? "is killed" : "is asked to stop")
    const [code, signal] = await started.stop(how)
    if (how === "SIGKILL") this.kills += 1
    else {
      this.stops += 1
      if (code !== 0) this.#says(`was asked to stop, and ended with ${signal ?? code}`, true)
    }
    this.#says("is gone")
  }

  #says(what: string, broken = false): void {
    this.#world.recorder.record({ type: "server", what, broken })
  }
}
