import type { Duplex } from "node:stream"
import { Socket } from "node:net"
import type { Limits, LimitReason } from "../../domain/Limits.ts"

const line = (status: number, text: string): string => `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\n\r\n`

/** As `node:http` answers where nobody listens. */
const answers: Readonly<Record<string, { readonly says: string; readonly reason: LimitReason }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { says: line(408, "Request Timeout"), reason: "slow_requests" },
  HPE_HEADER_OVERFLOW: { says: line(431, "Request Header Fields Too Large"), reason: "large_headers" }
}
const badRequest = line(400, "Bad Request")

/**
 * Answers connections whose request never became one, and tells the limits of those that wanted too much: time, or room for their headers. To be called for `clientError`.
 */
export const makeOnClientError =
  (limits: Limits["Service"]) =>
  (error: NodeJS.ErrnoException, socket: Duplex): void => {
    const answer = answers[error.code ?? ""]
    if (answer !== undefined) {
      limits.hit(answer.reason, socket instanceof Socket ? (socket.remoteAddress ?? "unknown") : "unknown")
    }
    // Half a reply is on its way already: another one would be read as its body.
    if (socket.writable && !hasBegunToAnswer(socket)) socket.write(answer?.says ?? badRequest)
    socket.destroy(error)
  }

const hasBegunToAnswer = (socket: Duplex): boolean => {
  const reply: unknown = Reflect.get(socket, "_httpMessage")
  return typeof reply === "object" && reply !== null && Reflect.get(reply, "headersSent") === true
}
