import type { ReceivedFrame } from "../support/ChatClient.ts"

/** All that a message shows, the same text for the same message whether a socket or a page brought it (a page does not name its room). */
export const contentOf = ({ date, from, guest, id, message, seq }: ReceivedFrame): string =>
  JSON.stringify([from, id, seq, date, guest === true ? "guest" : "account", message])
