import { Context, Layer } from "effect"
import { countBuckets, Histogram, secondsBuckets } from "./Histogram.ts"
import type { RejectionCode } from "./Rejection.ts"

/** How often somebody wanted more than he may, since the start, by what it was. */
export interface LimitCounters {
  api: number
  server_api: number
  logins: number
  hashing: number
  messages: number
  control_frames: number
  sockets_of_user: number
  sockets_of_address: number
  overload: number
  auth_timeout: number
  unknown_proxy: number
  slow_requests: number
  large_headers: number
  large_bodies: number
}

/**
 * What the engine counts: plain numbers, since they are written per batch on the hot path. Read by `/metrics` and the monitor.
 */
export interface Counters {
  /** Now. */
  sockets: number
  roomsInMemory: number
  tailBytes: number
  /** Since the start. */
  messagesCommitted: number
  commits: number
  deliveries: number
  bytesWritten: number
  rejections: number
  socketsAccepted: number
  socketsRefused: number
  /** Cut because they drained no byte in time (4008). */
  socketsTooSlow: number
  catchUpPages: number
  readonly limited: LimitCounters
  /** Of `rejections`, by why. */
  readonly rejectionsByCode: Map<RejectionCode, number>
  /** Sockets that this server closed, by close code; 1000 stands for those that the peer closed or lost. */
  readonly socketCloses: Map<number, number>
  /** Messages a room's batch. */
  readonly batchMessages: Histogram
  /** Commands that waited in a room when it took its turn. */
  readonly mailboxDepth: Histogram
  /** A commit of the journal, over all rooms: seconds from its submission to its answer. */
  readonly commitSeconds: Histogram
  /** A batch to all sockets of its room: seconds. */
  readonly fanOutSeconds: Histogram
  readonly hashes: HashCounts
}

/** Of the password hasher. */
export interface HashCounts {
  /** Now: those that run and those that wait. */
  underWay: number
  /** Since the start: the queue was full. */
  refused: number
  /** A hash, without its wait: seconds. */
  readonly seconds: Histogram
}

export class EngineStats extends Context.Service<EngineStats, Counters>()("parley/domain/EngineStats") {
  static readonly layer = Layer.sync(EngineStats, () => ({
    sockets: 0,
    roomsInMemory: 0,
    tailBytes: 0,
    messagesCommitted: 0,
    commits: 0,
    deliveries: 0,
    bytesWritten: 0,
    rejections: 0,
    socketsAccepted: 0,
    socketsRefused: 0,
    socketsTooSlow: 0,
    catchUpPages: 0,
    limited: {
      api: 0,
      server_api: 0,
      logins: 0,
      hashing: 0,
      messages: 0,
      control_frames: 0,
      sockets_of_user: 0,
      sockets_of_address: 0,
      overload: 0,
      auth_timeout: 0,
      unknown_proxy: 0,
      slow_requests: 0,
      large_headers: 0,
      large_bodies: 0
    },
    rejectionsByCode: new Map<RejectionCode, number>(),
    socketCloses: new Map<number, number>(),
    batchMessages: new Histogram(countBuckets),
    mailboxDepth: new Histogram(countBuckets),
    commitSeconds: new Histogram(secondsBuckets),
    fanOutSeconds: new Histogram(secondsBuckets),
    hashes: { underWay: 0, refused: 0, seconds: new Histogram(secondsBuckets) }
  }))
}

export const countRejected = (stats: Counters, code: RejectionCode, count = 1): void => {
  stats.rejections += count
  stats.rejectionsByCode.set(code, (stats.rejectionsByCode.get(code) ?? 0) + count)
}

export const countClosed = (stats: Counters, code = 1_000): void =>
  void stats.socketCloses.set(code, (stats.socketCloses.get(code) ?? 0) + 1)
