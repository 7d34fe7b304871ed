/** What whoever runs the server decides of this wire. Publications a second are the message rate of all wires. */
export interface WireLimits {
  /** Rooms that one socket may be subscribed to; one more is error 106. */
  readonly channels: number
  /** Characters of a channel's name; a longer one is error 107. No room's name has more than 65. */
  readonly channelName: number
  /** Bytes of a frame; a larger one ends the socket with 1009. */
  readonly frameBytes: number
  /** Commands in one frame: a client that comes back subscribes to all of its rooms at once. More end the socket with 3501. */
  readonly commandsAFrame: number
}

export const defaultWireLimits: WireLimits = {
  channels: 128,
  channelName: 65,
  frameBytes: 64 * 1_024,
  commandsAFrame: 1_024
}

/** What one publication, or one RPC, may hold: bytes of JSON, and how deep it may be nested. */
export const maxDataBytes = 16 * 1_024
export const maxDataDepth = 64
/** Publications of one socket that wait for their commit; past it no more is read from it. */
export const maxInFlight = 1_024
/** Answers to commands that need no wait, gathered for one write: each may be as large as a frame. */
export const maxRepliesAWrite = 16
/** Publications refused in a row because of their rate after which a socket is closed. */
export const maxRefusedInARow = 100
/** What the server sends is cut into frames of so many bytes; a single larger entry excepted. */
export const maxFrameBytes = 64 * 1_024
/** Publications in one reply (recovery, history), where its bytes allow them. */
export const maxPublications = 512
/** Between two signs of life from the server, as it tells its clients: seconds. */
export const pingSeconds = 25
/** A socket that has not said who it is by then is closed: milliseconds. */
export const connectWithinMillis = 10_000
/** A client is asked to refresh its token so long before the end, or after half of what is left: milliseconds. */
export const refreshAheadMillis = 10_000
