import type { Rejection } from "./Rejection.ts"

/**
 * Somebody's leave to speak, shared by all that waits in his name. Revoking it stops what was taken in but not decided yet.
 */
export interface Permit {
  /** Why it is withdrawn; `undefined` while it holds. */
  revoked: Rejection | undefined
}

export const makePermit = (): Permit => ({ revoked: undefined })
