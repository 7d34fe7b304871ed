import { Context, Layer } from "effect"

/** How often somebody wanted more than he may, since the start, by what it was. */
export interface LimitCounters {
  api: number
  logins: number
  hashing: number
  messages: number
  control_frames: number
  sockets_of_user: number
  sockets_of_address: number
  overload: number
  auth_timeout: number
  unknown_proxy: number
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
      logins: 0,
      hashing: 0,
      messages: 0,
      control_frames: 0,
      sockets_of_user: 0,
      sockets_of_address: 0,
      overload: 0,
      auth_timeout: 0,
      unknown_proxy: 0
    }
  }))
}
