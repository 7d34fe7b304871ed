/** What a client SDK is asked to do. One driver has many clients, told apart by a number of the asker's choice. */
export type Command = { readonly client: number } & (
  | {
      readonly do: "open"
      readonly url: string
      readonly encoding: Encoding
      readonly token?: string
      /** Whether it asks for tokens (event `token`), at first where it has none, and whenever one runs out. */
      readonly asks: boolean
    }
  /** The answer to an event `token`. */
  | { readonly do: "token"; readonly token: string }
  | { readonly do: "connect" | "disconnect" }
  | { readonly do: "subscribe" | "unsubscribe" | "presence" | "presenceStats"; readonly channel: string }
  | { readonly do: "publish"; readonly channel: string; readonly data: unknown }
  | {
      readonly do: "history"
      readonly channel: string
      readonly limit: number
      readonly reverse: boolean
      readonly since?: Position
    }
  | { readonly do: "rpc"; readonly method: string; readonly data: unknown }
)

export type Encoding = "json" | "protobuf"

export interface Position {
  readonly offset: number
  readonly epoch: string
}

/** The same in every language; a guest's `user` is what the SDK says of it. */
export interface Publication {
  readonly offset: number
  readonly data: unknown
  readonly user?: string
}

/** What an SDK tells its application, when it tells it. */
export type SdkEvent = { readonly client: number } & (
  | { readonly event: "connected"; readonly id: string }
  | { readonly event: "connecting" | "disconnected"; readonly code: number; readonly reason: string }
  | { readonly event: "token" }
  | {
      readonly event: "subscribed"
      readonly channel: string
      readonly wasRecovering: boolean
      readonly recovered: boolean
      readonly position?: Position
    }
  | { readonly event: "unsubscribed"; readonly channel: string; readonly code: number }
  | ({ readonly event: "publication"; readonly channel: string } & Publication)
  | { readonly event: "join" | "leave"; readonly channel: string; readonly id: string; readonly user: string }
  | { readonly event: "failed"; readonly message: string }
)

/** A command's answer: empty but for what was asked. */
export interface Answer {
  readonly publications?: ReadonlyArray<Publication>
  readonly position?: Position
  /** Users by connection. */
  readonly presence?: Readonly<Record<string, string>>
  readonly numClients?: number
  readonly numUsers?: number
  readonly data?: unknown
}

/** The server answered with an error. */
export class SdkError extends Error {
  override readonly name = "SdkError"
  /** As the protocol has it. 0 where the SDK itself gave up. */
  readonly code: number

  constructor(code: number, message: string) {
    super(`${code} ${message}`)
    this.code = code
  }
}

/** A client SDK, as it is, in whatever language and process. */
export interface SdkDriver {
  /** Rejects with an `SdkError`. */
  readonly call: (command: Command) => Promise<Answer>
  readonly close: () => Promise<void>
}

/** Every event of all its clients goes to `onEvent`, in the order in which the SDK tells it. */
export type StartDriver = (onEvent: (event: SdkEvent) => void) => Promise<SdkDriver>
