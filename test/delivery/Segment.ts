import type { Said } from "./Voice.ts"

export interface From {
  readonly since?: number
  readonly history?: number
}

/** A client's presence in its room, on whatever wire. Everything it sends and gets is recorded. */
export interface Segment {
  /** The last position it got. */
  readonly last: number | undefined
  readonly ended: Promise<void>
  readonly isOpen: boolean
  send(said: Said): void
  /** What the server sends stays where it is. */
  stopReading(): void
  readOn(): void
  close(): Promise<void>
  terminate(): Promise<void>
  halfClose(): Promise<void>
  /** Cuts its connection, where it gets itself another one. */
  drop?(): void
}
