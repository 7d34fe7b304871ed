/** A server under test: how to start it, and what it speaks. */
export interface Target {
  /** As `--only` names it. */
  readonly name: string
  /** As the table names it. */
  readonly label: string
  readonly wire: Wire
  /** `directory` is the server's own. Called once a start. */
  readonly plan: (directory: string) => Promise<ServerPlan>
}

/** A whole process of its own. It has nothing of our environment but what stands in `env` and `PATH`. */
export interface ServerPlan {
  /** What is run, as a file path; `node` where there is none. */
  readonly program?: string
  /** A program for `node`, as a file path. */
  readonly entry?: string
  /** Of `node` itself. */
  readonly nodeOptions?: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** The server is ready when a GET of this answers 200. */
  readonly readyUrl: string
  /** Where it takes WebSockets, on 127.0.0.1. */
  readonly socketPort: number
}

/** What a server speaks inside WebSocket text frames. */
export interface Wire {
  /** The request path of the upgrade. */
  readonly path: (room: string) => string
  /**
   * What a WebSocket frame of the server holds: one value (the default), or lines with a value each, cut into frames anywhere between two lines, and differently for
   * each socket. `opening`, `decode` and `answer` get one value.
   */
  readonly holds?: "a value" | "lines"
  /** The text frame that the client sends as soon as it is upgraded, where it speaks first. */
  readonly hello?: (room: string) => string
  /**
   * What is said after the upgrade and before the first message of the room, one call a value received.
   * Absent where a socket is open as soon as it is upgraded.
   */
  readonly opening?: (text: string) => { readonly reply?: string; readonly open: boolean }
  /** The text frame that posts a message. */
  readonly encode: (from: string, message: string, date: string, room: string) => string
  /**
   * The message of `room` in a text frame, or undefined: what is said between the server and this socket alone. Throws on anything else, another room's
   * message included where the wire names rooms.
   */
  readonly decode: (text: string, room: string) => Delivery | undefined
  /** What is said back to a frame that `decode` leaves aside. */
  readonly answer?: (text: string) => string | undefined
}

/** A message of the room as one socket got it. */
export interface Delivery {
  readonly from: string
  readonly message: string
  /** The position in the room's log, where the server has one: it must then be 1, 2, 3 … */
  readonly seq: number | undefined
}
