import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"

/** What asks the disk to keep what was written. */
const syncs = "fsync,fdatasync"

/** Why faults cannot be injected here, or `undefined`. Where `CI` is set there is no excuse. */
export const noStrace: string | undefined =
  process.env["CI"] === undefined && spawnSync("strace", ["-V"]).error !== undefined
    ? "strace is not installed: apt-get install strace"
    : undefined

/** A fault in every system call of some kinds that a process makes; of those that sync, where nothing else is said. */
export class DiskFault {
  readonly #detach: () => Promise<void>

  private constructor(detach: () => Promise<void>) {
    this.#detach = detach
  }

  /** `fault` as strace's `-e inject` has it: `delay_enter=50000` (microseconds), `error=EIO`. In force when this settles. */
  static async inject(pid: number, fault: string, calls = syncs): Promise<DiskFault> {
    const child = spawn(
      "strace",
      ["-f", "-p", String(pid), "-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}`],
      {
        stdio: ["ignore", "ignore", "pipe"]
      }
    )
    const exit = once(child, "close")
    let said = ""
    await new Promise<void>((done, failed) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes(" attached")) done()
      })
      child.once("error", failed)
      child.once("close", () => failed(new Error(`strace: ${said}`)))
    })
    return new DiskFault(async () => {
      child.kill("SIGINT")
      await exit
    })
  }

  /** The process goes on without the fault. */
  remove(): Promise<void> {
    return this.#detach()
  }
}
