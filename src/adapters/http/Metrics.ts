import { Effect } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8"
import { EngineStats } from "../../domain/EngineStats.ts"
import { Readiness } from "../../domain/Readiness.ts"
import { RoomRegistry } from "../../domain/RoomRegistry.ts"
import { makeEventLoopLag } from "./EventLoopLag.ts"
import { makeGarbageCollection } from "./GarbageCollection.ts"
import { histogram, histograms, sample, samples } from "./PrometheusText.ts"
import { RequestDurations } from "./RequestDurations.ts"

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

type Stats = EngineStats["Service"]

const engine = (stats: Stats, waiting: number): ReadonlyArray<string> => [
  sample("parley_sockets", "gauge", "Sockets open now.", stats.sockets),
  sample("parley_sockets_accepted_total", "counter", "Upgrades accepted.", stats.socketsAccepted),
  sample("parley_sockets_refused_total", "counter", "Upgrades refused.", stats.socketsRefused),
  samples(
    "parley_sockets_closed_total",
    "counter",
    "Sockets ended, by the close code that the server chose; 1000: the peer went.",
    Array.from(stats.socketCloses, ([code, count]) => [{ code }, count])
  ),
  sample("parley_sockets_too_slow_total", "counter", "Sockets cut because they drained nothing.", stats.socketsTooSlow),
  sample("parley_rooms_in_memory", "gauge", "Rooms with a tail in memory.", stats.roomsInMemory),
  sample("parley_tail_bytes", "gauge", "Bytes of all tails.", stats.tailBytes),
  sample("parley_messages_committed_total", "counter", "Messages made durable.", stats.messagesCommitted),
  sample("parley_deliveries_total", "counter", "Messages handed to sockets.", stats.deliveries),
  sample("parley_written_bytes_total", "counter", "Bytes handed to sockets.", stats.bytesWritten),
  samples(
    "parley_rejections_total",
    "counter",
    "Frames and messages rejected, by reason.",
    Array.from(stats.rejectionsByCode, ([reason, count]) => [{ reason }, count])
  ),
  sample(
    "parley_catch_up_pages_total",
    "counter",
    "Pages read from the journal for sockets that fell behind.",
    stats.catchUpPages
  ),
  samples(
    "parley_limited_total",
    "counter",
    "What was refused because somebody wanted too much, by what it was.",
    Object.entries(stats.limited).map(([reason, count]) => [{ reason }, count])
  ),
  sample("parley_commits_total", "counter", "Commits of the journal.", stats.commits),
  histogram("parley_commit_duration_seconds", "A commit, from its submission to its answer.", stats.commitSeconds),
  histogram(
    "parley_fan_out_duration_seconds",
    "What a room published, written to its sockets: to 256 of them at most in one go.",
    stats.fanOutSeconds
  ),
  histogram("parley_batch_messages", "Messages in a room's batch.", stats.batchMessages),
  histogram("parley_mailbox_depth", "Commands that waited in a room when it took its turn.", stats.mailboxDepth),
  sample("parley_mailbox_waiting", "gauge", "Commands that wait now, in all rooms.", waiting),
  sample("parley_password_hashes", "gauge", "Password hashes that run or wait.", stats.hashes.underWay),
  sample(
    "parley_password_hashes_refused_total",
    "counter",
    "Password hashes refused since too many waited.",
    stats.hashes.refused
  ),
  histogram("parley_password_hash_duration_seconds", "A password hash, without its wait.", stats.hashes.seconds)
]

/** By the names that Prometheus' client libraries use. */
const processMetrics = (): ReadonlyArray<string> => {
  const cpu = process.cpuUsage()
  const memory = process.memoryUsage()
  const spaces = getHeapSpaceStatistics()
  return [
    sample("process_cpu_user_seconds_total", "counter", "User CPU time.", cpu.user / 1e6),
    sample("process_cpu_system_seconds_total", "counter", "System CPU time.", cpu.system / 1e6),
    sample("process_cpu_seconds_total", "counter", "User and system CPU time.", (cpu.user + cpu.system) / 1e6),
    sample("process_resident_memory_bytes", "gauge", "Resident memory.", memory.rss),
    sample(
      "process_start_time_seconds",
      "gauge",
      "Start, seconds since 1970.",
      Math.round(performance.timeOrigin) / 1000
    ),
    sample("nodejs_heap_size_used_bytes", "gauge", "Heap in use.", memory.heapUsed),
    sample("nodejs_heap_size_total_bytes", "gauge", "Heap reserved.", memory.heapTotal),
    sample("nodejs_heap_size_limit_bytes", "gauge", "Heap at most.", getHeapStatistics().heap_size_limit),
    sample("nodejs_external_memory_bytes", "gauge", "Memory outside the heap.", memory.external),
    sample("nodejs_array_buffers_bytes", "gauge", "Buffers outside the heap.", memory.arrayBuffers),
    samples(
      "nodejs_heap_space_size_used_bytes",
      "gauge",
      "Heap in use, by V8's spaces.",
      spaces.map(({ space_name, space_used_size }) => [{ space: space_name.replace("_space", "") }, space_used_size])
    ),
    samples("nodejs_version_info", "gauge", "The version of Node.", [[{ version: process.version }, 1]])
  ]
}

/**
 * The Prometheus text (format 0.0.4): what the engine counts, requests, the process, and every metric of Effect's registry. No room, user, address or
 * path as a client wrote it is named: the number of series is bounded by the code.
 */
export const make = Effect.gen(function* () {
  const stats = yield* EngineStats
  const readiness = yield* Readiness
  const registry = yield* RoomRegistry
  const durations = yield* RequestDurations
  const readLag = yield* makeEventLoopLag
  const pauses = yield* makeGarbageCollection

  return Effect.map(PrometheusMetrics.format(), (registered) => {
    const lag = readLag()
    return [
      sample("parley_ready", "gauge", "1 while the process takes new work.", readiness.problems().length === 0 ? 1 : 0),
      ...engine(stats, registry.waiting()),
      histograms(
        "http_request_duration_seconds",
        "HTTP requests, by method, declared route and status.",
        Array.from(durations.all(), ({ method, route, seconds, status }) => [
          { method, route, status_code: status },
          seconds
        ])
      ),
      ...processMetrics(),
      sample("nodejs_eventloop_lag_mean_seconds", "gauge", "Mean lateness of timers since the last reading.", lag.mean),
      sample(
        "nodejs_eventloop_lag_p99_seconds",
        "gauge",
        "Lateness of timers since the last reading, 99th percentile.",
        lag.p99
      ),
      sample(
        "nodejs_eventloop_lag_max_seconds",
        "gauge",
        "Greatest lateness of timers since the last reading.",
        lag.max
      ),
      histograms(
        "nodejs_gc_duration_seconds",
        "Pauses of the garbage collector, by kind.",
        Array.from(pauses, ([kind, pause]) => [{ kind }, pause])
      ),
      registered
    ].join("")
  })
})
