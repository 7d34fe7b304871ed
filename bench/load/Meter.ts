import { cpus } from "node:os"
import type { RunningServer } from "../server/ServerProcess.ts"
import type { ProcessUsage } from "../server/ProcessUsage.ts"

/** What a stretch of time cost, as the operating system counts it. Shares are of one core. */
export interface Usage {
  readonly seconds: number
  /** CPU-seconds; undefined where the OS does not tell. */
  readonly serverCpuSeconds: number | undefined
  /** At the end. */
  readonly serverRssBytes: number | undefined
  readonly generatorCpuShare: number
  /** What is neither the server's nor the generator's: kernel work of the machine, other programs. */
  readonly othersCpuShare: number | undefined
}

/** Runs from its making. */
export class Meter {
  readonly #server: RunningServer
  readonly #before: Reading

  constructor(server: RunningServer) {
    this.#server = server
    this.#before = read(server)
  }

  /** Since it was made; the meter goes on. */
  usage(): Usage {
    const before = this.#before
    const after = read(this.#server)
    const seconds = (after.time - before.time) / 1000
    const generatorCpuShare = (after.generatorCpu - before.generatorCpu) / seconds
    const serverCpuSeconds =
      before.server && after.server ? after.server.cpuSeconds - before.server.cpuSeconds : undefined
    return {
      seconds,
      serverCpuSeconds,
      serverRssBytes: after.server?.rssBytes,
      generatorCpuShare,
      othersCpuShare:
        serverCpuSeconds === undefined
          ? undefined
          : Math.max(0, (after.machineCpu - before.machineCpu - serverCpuSeconds) / seconds - generatorCpuShare)
    }
  }
}

/** Times in milliseconds of `performance.now()`, CPU in seconds. */
interface Reading {
  readonly time: number
  readonly server: ProcessUsage | undefined
  readonly generatorCpu: number
  readonly machineCpu: number
}

const read = (server: RunningServer): Reading => {
  const { user, system } = process.cpuUsage()
  const machine = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  return {
    time: performance.now(),
    server: server.usage(),
    generatorCpu: (user + system) / 1e6,
    machineCpu: machine / 1000
  }
}
