/**
 * Why the server closes a socket. The range alone tells a client what to do: 1xxx, 3000–3499 and 4000–4499: reconnect (and resume);
 * 3500–3999 and 4500–4999: do not.
 */
export interface CloseCode {
  readonly code: number
  readonly reason: string
}

/** As `ws` says it of a frame past its own limit (RFC 6455 §7.4.1). */
export const frameTooLarge: CloseCode = { code: 1009, reason: "the frame is too large" }
export const restart: CloseCode = { code: 1012, reason: "the server restarts: reconnect and resume" }
export const overloaded: CloseCode = { code: 1013, reason: "try again later" }
export const tokenExpired: CloseCode = { code: 4001, reason: "the token expired: refresh it and reconnect" }
/** Logged and counted only: a peer that drains no byte cannot receive it. */
export const tooSlow: CloseCode = { code: 4008, reason: "no byte drained in time: reconnect and resume" }
export const noPong: CloseCode = { code: 4009, reason: "no pong in time: reconnect and resume" }
export const rateLimited: CloseCode = { code: 4029, reason: "too many messages: reconnect and resume, slower" }
export const badToken: CloseCode = { code: 4500, reason: "the token is not valid" }
export const authTimeout: CloseCode = { code: 4501, reason: "no token came in time" }
export const loggedOut: CloseCode = { code: 4502, reason: "the session was ended" }
export const tooManySockets: CloseCode = { code: 4504, reason: "too many sockets of this user" }
export const forbidden: CloseCode = { code: 4505, reason: "not allowed in this room" }
/** Of Centrifugo's wire alone, by its numbers. */
export const badRequest: CloseCode = { code: 3501, reason: "bad request" }
export const forced: CloseCode = { code: 3503, reason: "force disconnect" }
export const stale: CloseCode = { code: 3502, reason: "stale: no connect command came in time" }
