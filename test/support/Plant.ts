import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Started } from "./ServerProcess.ts"

/** What can be done to a server from inside: its wall clock is set on (or back), an error is thrown that nobody catches, its memory is measured. */
export type Planted =
  | { readonly what: "clock"; readonly millis: number }
  | { readonly what: "defect" | "rejection" | "measure" | "sample" | "sampled" }

/** After a garbage collection. Handles are what keeps a process alive, but timers: sockets, files, threads. */
export interface Measured {
  readonly heapBytes: number
  readonly handles: number
}

/** A server that can be acted upon. */
export class Plant {
  readonly #file: string
  #number = 0

  /** `directory` is where it may keep a file: the server's own, mostly. */
  constructor({ directory }: { readonly directory: string }) {
    this.#file = join(directory, "plant.json")
  }

  /** What its environment needs. */
  get env(): Record<string, string> {
    const module = fileURLToPath(new URL("Preloaded.ts", import.meta.url))
    return { PLANT: this.#file, NODE_OPTIONS: `--expose-gc --import=${module}` }
  }

  /** When this settles it was done. Gives what was measured, as JSON. */
  async act(started: Started, planted: Planted): Promise<string> {
    const number = (this.#number += 1)
    writeFileSync(this.#file, JSON.stringify({ ...planted, number }))
    started.child.kill("SIGUSR2")
    await started.says(`planted ${number} `)
    return new RegExp(`^planted ${number} (.*)$`, "m").exec(started.stdout)?.[1] ?? ""
  }

  /** From now on what the main thread allocates is sampled, also what does not live long. */
  async sampleAllocations(started: Started): Promise<void> {
    await this.act(started, { what: "sample" })
  }

  /** Bytes that each file's functions allocated since, as far as the samples tell. */
  async allocations(started: Started): Promise<Readonly<Record<string, number>>> {
    return JSON.parse(await this.act(started, { what: "sampled" })) as Record<string, number>
  }

  async measure(started: Started): Promise<Measured> {
    return JSON.parse(await this.act(started, { what: "measure" })) as Measured
  }
}
