import type { CutProxy } from "../support/CutProxy.ts"

/** Somebody with an account. */
export interface Person {
  readonly name: string
  readonly token: string
  /** Another token of the same session. */
  readonly another: () => Promise<string>
  /** Ends the session. */
  readonly logOut: () => Promise<void>
}

/** A server that speaks the protocol, and what a test may do to it. */
export interface Host {
  /** Through the proxy. */
  readonly url: string
  /** Past it. */
  readonly directUrl: string
  readonly proxy: CutProxy
  readonly person: () => Promise<Person>
  /** Lets connections through again. */
  readonly mend: () => void
  readonly remove: () => Promise<void>
}

/** A server whose messages and sessions stay. */
export interface DurableHost extends Host {
  /** `kill -9`, and a new process on the same data, at the same `url`. */
  readonly restart: () => Promise<void>
}

const path = "/connection/websocket"
export const urlOf = (port: number): string => `ws://127.0.0.1:${port}${path}`
