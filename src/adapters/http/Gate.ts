import { randomUUID } from "node:crypto"
import type { Readiness } from "../../domain/Readiness.ts"
import type { AccessOptions } from "./AccessOptions.ts"
import type { Limits } from "../../domain/Limits.ts"
import { makeClientAddress } from "./ClientAddress.ts"
import type { Forwarding } from "./ClientAddress.ts"
import { makeHostPolicy } from "./HostPolicy.ts"
import { makeOriginPolicy } from "./OriginPolicy.ts"
import type { OriginVerdict } from "./OriginPolicy.ts"
import { corsHeaders, securityHeaders, strictTransport } from "./ReplyHeaders.ts"
import { isServerApiPath } from "./ServerApiPaths.ts"
import type { ServerApiOptions } from "./ServerApiPaths.ts"
import { callersTrace } from "./TraceParent.ts"
import type { Visit } from "./Visit.ts"

/** What a reply has of its own when the headers that all have are put around it. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** What is the same for every request and needs no fiber: whose it is, whether its host and origin are served, the reply's headers. */
export interface Gate {
  readonly visitOf: (
    remoteAddress: string | undefined,
    forwarding: Forwarding,
    traceparent: string | undefined
  ) => Visit
  readonly servesHost: (host: string | undefined) => boolean
  readonly originVerdict: (origin: string | undefined, host: string | undefined) => OriginVerdict
  /** `acceptedOrigin`: the page that may see the reply. */
  readonly headersOf: (
    reply: Reply,
    visit: Visit,
    path: string,
    acceptedOrigin: string | undefined
  ) => Record<string, string>
}

export const makeGate = (
  options: AccessOptions & ServerApiOptions,
  readiness: Readiness["Service"],
  limits: Limits["Service"]
): Gate => {
  const clientAddress = makeClientAddress(options)
  const draining = () => readiness.problems().some(({ check }) => check === "draining")
  return {
    visitOf: (remoteAddress, forwarding, traceparent) => {
      if (clientAddress.isUnknownProxy(remoteAddress, forwarding))
        limits.hit("unknown_proxy", remoteAddress ?? "unknown")
      const { key, secure } = clientAddress.of(remoteAddress, forwarding)
      const id = randomUUID()
      const traceId = callersTrace(traceparent) ?? id.replaceAll("-", "")
      return { id, traceId, clientKey: key, secure: options.tls || secure }
    },
    servesHost: makeHostPolicy(options),
    originVerdict: makeOriginPolicy(options),
    headersOf: ({ headers, status }, visit, path, acceptedOrigin) => ({
      ...securityHeaders,
      ...(visit.secure ? { "strict-transport-security": strictTransport } : {}),
      ...(path.startsWith("/api/") || status >= 400 ? { "cache-control": "no-store" } : {}),
      ...(acceptedOrigin === undefined ? {} : corsHeaders(acceptedOrigin)),
      ...headers,
      ...(status === 401 ? { "www-authenticate": isServerApiPath(options, path) ? "apikey" : "Bearer" } : {}),
      ...(draining() ? { connection: "close" } : {}),
      "x-request-id": visit.id
    })
  }
}
