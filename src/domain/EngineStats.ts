import { Context, Layer } from "effect"

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
    catchUpPages: 0
  }))
}
