import { Clock, Effect } from "effect"
import { readFile } from "node:fs/promises"
import type { Server } from "node:http"
import { cpus, freemem, loadavg, totalmem } from "node:os"
import { EngineStats } from "../../domain/EngineStats.ts"
import { Readiness } from "../../domain/Readiness.ts"
import type { Problem } from "../../domain/Readiness.ts"
import { makeEventLoopLag } from "./EventLoopLag.ts"
import { HttpServers } from "./HttpServers.ts"

/** What `/dashboard` shows. The first two members are the original monitor's: CPU in per cent, memory in bytes. */
export interface Sample {
  readonly pid: { readonly cpu: number; readonly ram: number; readonly conns: number }
  readonly os: {
    readonly cpu: number
    readonly ram: number
    readonly total_ram: number
    readonly load_avg: number
    readonly conns: number
  }
  readonly engine: EngineStats["Service"]
  readonly event_loop_lag_ms: { readonly mean: number; readonly p99: number; readonly max: number }
  readonly uptime_s: number
  readonly problems: ReadonlyArray<Problem>
}

/** However many look at it, the machine is asked once in so long. */
const freshMillis = 1_000

const round = (value: number, digits = 1): number => Number(value.toFixed(digits))

const connections = (server: Server): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    server.getConnections((error, count) => resume(Effect.succeed(error ? 0 : count)))
  })

/** TCP sockets in use on the machine; 0 where the system does not tell. */
const machineConnections: Effect.Effect<number> = Effect.forEach(["sockstat", "sockstat6"], (file) =>
  Effect.tryPromise(() => readFile(`/proc/net/${file}`, "utf8")).pipe(
    Effect.map((text) => Number(/^TCP6?: inuse (\d+)/m.exec(text)?.[1] ?? 0)),
    Effect.orElseSucceed(() => 0)
  )
).pipe(Effect.map((counts) => counts.reduce((sum, count) => sum + count, 0)))

interface CpuTime {
  readonly busy: number
  readonly total: number
}

const machineCpu = (): CpuTime =>
  cpus().reduce(
    ({ busy, total }, { times }) => {
      const all = times.user + times.nice + times.sys + times.irq + times.idle
      return { busy: busy + all - times.idle, total: total + all }
    },
    { busy: 0, total: 0 }
  )

/** Share of `busy` in the time between two readings; in per cent. */
const share = (before: CpuTime, after: CpuTime): number =>
  after.total > before.total ? round((100 * (after.busy - before.busy)) / (after.total - before.total)) : 0

const processCpu = (): CpuTime => {
  const { system, user } = process.cpuUsage()
  return { busy: (user + system) / 1000, total: performance.now() }
}

/** A sampler: CPU is that of the time since the sample before, since the start in the first. */
export const make = Effect.gen(function* () {
  const stats = yield* EngineStats
  const readiness = yield* Readiness
  const { api, socket } = yield* HttpServers
  const readLag = yield* makeEventLoopLag
  let machine: CpuTime = { busy: 0, total: 0 }
  let own: CpuTime = { busy: 0, total: 0 }
  let last: { readonly at: number; readonly sample: Sample } | undefined

  return Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (last !== undefined && now - last.at < freshMillis) return last.sample
    const conns = (yield* connections(api)) + (socket === api ? 0 : yield* connections(socket))
    const machineConns = yield* machineConnections
    const machineNow = machineCpu()
    const ownNow = processCpu()
    const lag = readLag()
    const sample: Sample = {
      pid: { cpu: share(own, ownNow), ram: process.memoryUsage.rss(), conns },
      os: {
        cpu: share(machine, machineNow),
        ram: totalmem() - freemem(),
        total_ram: totalmem(),
        load_avg: round(loadavg()[0] ?? 0, 2),
        conns: machineConns
      },
      engine: { ...stats, limited: { ...stats.limited } },
      event_loop_lag_ms: { mean: round(lag.mean * 1e3), p99: round(lag.p99 * 1e3), max: round(lag.max * 1e3) },
      uptime_s: Math.round(process.uptime()),
      problems: readiness.problems()
    }
    machine = machineNow
    own = ownNow
    last = { at: now, sample }
    return sample
  })
})
