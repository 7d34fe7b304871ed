import type { ClientAddressOptions } from "./ClientAddress.ts"
import type { HostOptions } from "./HostPolicy.ts"
import type { OriginOptions } from "./OriginPolicy.ts"

/** Who may reach this server, and whose word is taken for where a request comes from: the same for HTTP and for sockets. */
export interface AccessOptions extends HostOptions, OriginOptions, ClientAddressOptions {
  /** Whether our own ports speak TLS. */
  readonly tls: boolean
}
