/** Why a command was not accepted: a stable code for programs, a sentence for people, and whether sending it again can help. */
export interface Rejection {
  readonly code: RejectionCode
  /** One sentence: what was wrong and what to do. */
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
}

export type RejectionCode =
  | "bad_frame"
  | "binary_frame"
  | "frame_too_large"
  | "forbidden"
  | "id_conflict"
  | "name_reserved"
  | "name_taken"
  | "outcome_unknown"
  | "position_unknown"
  | "rate_limited"
  | "room_busy"
  | "session_ended"
  | "token_invalid"
  | "unavailable"

export const idConflict: Rejection = {
  code: "id_conflict",
  message: "You already sent another message with this id: give this one an id of its own.",
  retryable: false
}

export const nameTaken: Rejection = {
  code: "name_taken",
  message: "This name belongs to an account: log in to use it, or choose another.",
  retryable: false
}

export const nameReserved: Rejection = {
  code: "name_reserved",
  message: "This name is reserved or not printable: choose another.",
  retryable: false
}

export const roomBusy: Rejection = {
  code: "room_busy",
  message: "The room has too many messages waiting: send this one again in a moment.",
  retryable: true,
  retryAfterMs: 1_000
}

export const unavailable: Rejection = {
  code: "unavailable",
  message: "The message could not be stored: send it again in a moment.",
  retryable: true,
  retryAfterMs: 1_000
}

export const outcomeUnknown: Rejection = {
  code: "outcome_unknown",
  message: "It is not known yet whether the message was stored: send it again with the same id.",
  retryable: true,
  retryAfterMs: 1_000
}

export const sessionEnded: Rejection = {
  code: "session_ended",
  message: "The session was ended: log in again.",
  retryable: false
}
