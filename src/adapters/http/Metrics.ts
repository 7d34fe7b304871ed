import { Effect } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { EngineStats } from "../../domain/EngineStats.ts"
import { Readiness } from "../../domain/Readiness.ts"
import { makeEventLoopLag } from "./EventLoopLag.ts"

type Kind = "counter" | "gauge"

const line = (name: string, kind: Kind, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${value}\n`

/**
 * The Prometheus text (format 0.0.4): what the engine counts, the process, and every metric of Effect's registry. Totals only: no room, user or
 * address is named.
 */
export const make = Effect.gen(function* () {
  const stats = yield* EngineStats
  const readiness = yield* Readiness
  const readLag = yield* makeEventLoopLag

  return Effect.map(PrometheusMetrics.format(), (registered) => {
    const lag = readLag()
    const cpu = process.cpuUsage()
    const memory = process.memoryUsage()
    return [
      line("parley_ready", "gauge", "1 while the process takes new work.", readiness.problems().length === 0 ? 1 : 0),
      line("parley_sockets", "gauge", "Sockets open now.", stats.sockets),
      line("parley_rooms_in_memory", "gauge", "Rooms with a tail in memory.", stats.roomsInMemory),
      line("parley_tail_bytes", "gauge", "Bytes of all tails.", stats.tailBytes),
      line("parley_messages_committed_total", "counter", "Messages made durable.", stats.messagesCommitted),
      line("parley_commits_total", "counter", "Commits of the journal.", stats.commits),
      line("parley_deliveries_total", "counter", "Messages handed to sockets.", stats.deliveries),
      line("parley_written_bytes_total", "counter", "Bytes handed to sockets.", stats.bytesWritten),
      line("parley_rejections_total", "counter", "Messages rejected.", stats.rejections),
      line("parley_sockets_accepted_total", "counter", "Upgrades accepted.", stats.socketsAccepted),
      line("parley_sockets_refused_total", "counter", "Upgrades refused.", stats.socketsRefused),
      line(
        "parley_sockets_too_slow_total",
        "counter",
        "Sockets cut because they drained nothing.",
        stats.socketsTooSlow
      ),
      line(
        "parley_catch_up_pages_total",
        "counter",
        "Pages read from the journal for sockets that fell behind.",
        stats.catchUpPages
      ),
      "# HELP parley_limited_total What was refused because somebody wanted too much.\n# TYPE parley_limited_total counter\n",
      ...Object.entries(stats.limited).map(([reason, count]) => `parley_limited_total{reason="${reason}"} ${count}\n`),
      line("process_cpu_seconds_total", "counter", "User and system CPU time.", (cpu.user + cpu.system) / 1e6),
      line("process_resident_memory_bytes", "gauge", "Resident memory.", memory.rss),
      line(
        "process_start_time_seconds",
        "gauge",
        "Start, seconds since 1970.",
        Math.round(performance.timeOrigin) / 1000
      ),
      line("nodejs_heap_size_used_bytes", "gauge", "Heap in use.", memory.heapUsed),
      line("nodejs_external_memory_bytes", "gauge", "Memory outside the heap.", memory.external),
      line("nodejs_eventloop_lag_mean_seconds", "gauge", "Mean lateness of timers since the last reading.", lag.mean),
      line(
        "nodejs_eventloop_lag_p99_seconds",
        "gauge",
        "Lateness of timers since the last reading, 99th percentile.",
        lag.p99
      ),
      line("nodejs_eventloop_lag_max_seconds", "gauge", "Greatest lateness of timers since the last reading.", lag.max),
      registered
    ].join("")
  })
})
