/** Rooms that one socket may be subscribed to. */
export const maxChannels = 128
/** Commands in one frame: a client that comes back subscribes to all of its rooms at once. The frame itself is at most 64 KiB, or the socket ends with 1009. */
export const maxCommandsAFrame = 1_024
/** What one publication, or one RPC, may hold: bytes of JSON, and how deep it may be nested. */
export const maxDataBytes = 16 * 1_024
export const maxDataDepth = 64
/** Publications of one socket that wait for their commit; past it no more is read from it. */
export const maxInFlight = 1_024
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
