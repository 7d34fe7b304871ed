/** How long a peer has to answer a goodbye. */
export const goodbyeMillis = 2_000

/**
 * One socket as the engine sees it: bytes out, whole WebSocket frames already. The real one is `WebSocketTransport`; the test harness has one in memory.
 */
export interface Transport {
  /** Hands over complete frames. Never queues on its own: look at `queuedBytes` before the next. */
  readonly write: (bytes: Uint8Array) => void
  /** Bytes handed over that the kernel has not taken yet. */
  readonly queuedBytes: () => number
  /** The same to the byte, while a large write is under way: falls with everything that the kernel takes. Asked seldom. */
  readonly undrainedBytes: () => number
  readonly ping: () => void
  /** Says goodbye; the peer has `goodbyeMillis` to answer. */
  readonly close: (code: number, reason: string) => void
  /** Cuts at once. */
  readonly terminate: () => void
  /** Stops and resumes reading from the peer. */
  readonly pause: () => void
  readonly resume: () => void
}

/** What a transport tells its connection. */
export interface TransportEvents {
  readonly frame: (data: Uint8Array, isBinary: boolean) => void
  /** The peer gave a sign of life (a pong, a ping). */
  readonly alive: () => void
  /** All that was queued has been taken by the kernel. */
  readonly drained: () => void
  readonly closed: () => void
}
