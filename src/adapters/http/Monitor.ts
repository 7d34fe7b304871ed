import { Clock, Effect, Semaphore } from "effect"
import { readFile } from "node:fs/promises"
import type { Server } from "node:http"
import { cpus, freemem, loadavg, totalmem } from "node:os"
import type { ChatRoom } from "../../domain/ChatRoom.ts"
import { EngineStats } from "../../domain/EngineStats.ts"
import { quantileOf } from "../../domain/Histogram.ts"
import type { Histogram } from "../../domain/Histogram.ts"
import { Readiness } from "../../domain/Readiness.ts"
import type { Problem } from "../../domain/Readiness.ts"
import { isPrivate } from "../../domain/Room.ts"
import { RoomRegistry } from "../../domain/RoomRegistry.ts"
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
  readonly parley: {
    /** Now. */
    readonly rooms: number
    readonly sockets: number
    readonly waiting: number
    readonly tail_bytes: number
    /** Since the reading before. */
    readonly messages_per_s: number
    readonly deliveries_per_s: number
    readonly commits_per_s: number
    readonly commit_ms: Quantiles
    readonly fan_out_ms: Quantiles
    readonly event_loop_lag_ms: { readonly mean: number; readonly p99: number; readonly max: number }
    /** Since the start. */
    readonly messages: number
    readonly rejections: number
    readonly slow_consumers: number
    readonly uptime_s: number
    /** Those with most sockets, private ones left out. */
    readonly top_rooms: ReadonlyArray<{ readonly room: string; readonly sockets: number; readonly messages: number }>
    readonly problems: ReadonlyArray<Problem>
  }
}

interface Quantiles {
  readonly p50: number
  readonly p99: number
}

const topRooms = 10

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

/** The quantiles of what a histogram took in since the last look at it. */
const makeQuantiles = (histogram: Histogram) => {
  let before = Float64Array.from(histogram.counts)
  return (): Quantiles => {
    const counts = histogram.counts.map((count, i) => count - (before[i] ?? 0))
    before = Float64Array.from(histogram.counts)
    const millis = (quantile: number) => round(1e3 * quantileOf(histogram.bounds, counts, quantile), 2)
    return { p50: millis(0.5), p99: millis(0.99) }
  }
}

const topOf = (rooms: Iterable<ChatRoom>): Sample["parley"]["top_rooms"] =>
  Array.from(rooms)
    .filter(({ leases, name }) => leases > 0 && !isPrivate(name))
    .toSorted((a, b) => b.leases - a.leases)
    .slice(0, topRooms)
    .map(({ leases, name, published }) => ({ room: name, sockets: leases, messages: published }))

/** A sampler: shares and rates are those of the time since the sample before, since the start in the first. Whoever asks meanwhile gets the same reading. */
export const make = Effect.gen(function* () {
  const stats = yield* EngineStats
  const readiness = yield* Readiness
  const registry = yield* RoomRegistry
  const { api, socket } = yield* HttpServers
  const readLag = yield* makeEventLoopLag
  const one = yield* Semaphore.make(1)
  const commits = makeQuantiles(stats.commitSeconds)
  const fanOuts = makeQuantiles(stats.fanOutSeconds)
  let machine: CpuTime = { busy: 0, total: 0 }
  let own: CpuTime = { busy: 0, total: 0 }
  let totals = { messages: 0, deliveries: 0, commits: 0 }
  let last: { readonly at: number; readonly sample: Sample } | undefined

  const read = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (last !== undefined && now - last.at < freshMillis) return last.sample
    const conns = (yield* connections(api)) + (socket === api ? 0 : yield* connections(socket))
    const machineConns = yield* machineConnections
    const machineNow = machineCpu()
    const ownNow = processCpu()
    const lag = readLag()
    const seconds = (ownNow.total - own.total) / 1000
    const perSecond = (count: number) => round(count / seconds)
    const totalsNow = { messages: stats.messagesCommitted, deliveries: stats.deliveries, commits: stats.commits }
    const sample: Sample = {
      pid: { cpu: share(own, ownNow), ram: process.memoryUsage.rss(), conns },
      os: {
        cpu: share(machine, machineNow),
        ram: totalmem() - freemem(),
        total_ram: totalmem(),
        load_avg: round(loadavg()[0] ?? 0, 2),
        conns: machineConns
      },
      parley: {
        rooms: stats.roomsInMemory,
        sockets: stats.sockets,
        waiting: registry.waiting(),
        tail_bytes: stats.tailBytes,
        messages_per_s: perSecond(totalsNow.messages - totals.messages),
        deliveries_per_s: perSecond(totalsNow.deliveries - totals.deliveries),
        commits_per_s: perSecond(totalsNow.commits - totals.commits),
        commit_ms: commits(),
        fan_out_ms: fanOuts(),
        event_loop_lag_ms: { mean: round(lag.mean * 1e3), p99: round(lag.p99 * 1e3), max: round(lag.max * 1e3) },
        messages: stats.messagesCommitted,
        rejections: stats.rejections,
        slow_consumers: stats.socketsTooSlow,
        uptime_s: Math.round(process.uptime()),
        top_rooms: topOf(registry.all()),
        problems: readiness.problems()
      }
    }
    machine = machineNow
    own = ownNow
    totals = totalsNow
    last = { at: now, sample }
    return sample
  })
  return one.withPermits(1)(read)
})
