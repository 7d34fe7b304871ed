import type { Answer, Command, Encoding, Position, Publication, SdkDriver, SdkEvent, StartDriver } from "./SdkDriver.ts"

type Kind = SdkEvent["event"]
type EventOf<K extends Kind> = Extract<SdkEvent, { readonly event: K }>
type Without<T> = T extends unknown ? Omit<T, "client"> : never

export interface SdkClientOptions {
  readonly url: string
  readonly encoding: Encoding
  readonly token?: string
  /** Asked for a token when the SDK asks. */
  readonly tokens?: () => Promise<string>
}

/** One client of an SDK: it remembers what the SDK told, and a test waits for that instead of for a while. */
export class SdkClient {
  readonly events: Array<SdkEvent> = []
  readonly #driver: SdkDriver
  readonly #number: number
  readonly #options: SdkClientOptions
  readonly #waiting = new Set<() => void>()
  #left = false

  constructor(driver: SdkDriver, number: number, options: SdkClientOptions) {
    this.#driver = driver
    this.#number = number
    this.#options = options
  }

  async open(): Promise<void> {
    const { encoding, token, tokens, url } = this.#options
    await this.#call({ do: "open", url, encoding, asks: tokens !== undefined, ...(token && { token }) })
  }

  take(event: SdkEvent): void {
    this.events.push(event)
    const { tokens } = this.#options
    if (event.event === "token" && tokens !== undefined) {
      void tokens().then(
        (token) => this.#call({ do: "token", token }),
        (cause: unknown) => {
          // Nobody needs a token any more, and its server may be gone.
          if (!this.#left) throw cause
        }
      )
    }
    for (const look of this.#waiting) look()
  }

  get hasLeft(): boolean {
    return this.#left
  }

  of<K extends Kind>(kind: K): ReadonlyArray<EventOf<K>> {
    return this.events.filter((event): event is EventOf<K> => event.event === kind)
  }

  /** The first `count` events of a kind that are like this, those that were included. */
  all<K extends Kind>(
    kind: K,
    count: number,
    isIt: (event: EventOf<K>) => boolean = () => true
  ): Promise<ReadonlyArray<EventOf<K>>> {
    return new Promise((done) => {
      const look = (): void => {
        const found = this.of(kind).filter(isIt)
        if (found.length < count) return
        this.#waiting.delete(look)
        done(found.slice(0, count))
      }
      this.#waiting.add(look)
      look()
    })
  }

  async next<K extends Kind>(kind: K, isIt?: (event: EventOf<K>) => boolean): Promise<EventOf<K>> {
    const [event] = await this.all(kind, 1, isIt)
    if (event === undefined) throw new Error("unreachable")
    return event
  }

  /** Connects; the connection's id. */
  async connect(): Promise<string> {
    await this.#call({ do: "connect" })
    return (await this.next("connected")).id
  }

  async startConnecting(): Promise<void> {
    await this.#call({ do: "connect" })
  }

  async disconnect(): Promise<void> {
    this.#left = true
    await this.#call({ do: "disconnect" })
  }

  /** Where the subscription begins. */
  async subscribe(channel: string): Promise<Position> {
    await this.#call({ do: "subscribe", channel })
    const { position } = await this.next("subscribed", (event) => event.channel === channel)
    if (position === undefined) throw new Error(`the subscription of ${channel} has no position`)
    return position
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#call({ do: "unsubscribe", channel })
    await this.next("unsubscribed", (event) => event.channel === channel)
  }

  /** Settles when the server acknowledged it. */
  async publish(channel: string, data: unknown): Promise<void> {
    await this.#call({ do: "publish", channel, data })
  }

  async history(
    channel: string,
    options: { readonly limit?: number; readonly reverse?: boolean; readonly since?: Position } = {}
  ): Promise<{ readonly publications: ReadonlyArray<Publication>; readonly position: Position }> {
    const { publications, position } = await this.#call({
      do: "history",
      channel,
      limit: 100,
      reverse: false,
      ...options
    })
    if (publications === undefined || position === undefined) throw new Error("a history without its parts")
    return { publications, position }
  }

  /** Users by connection. */
  async presence(channel: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#call({ do: "presence", channel })).presence ?? {}
  }

  async presenceStats(channel: string): Promise<{ readonly numClients: number; readonly numUsers: number }> {
    const { numClients = 0, numUsers = 0 } = await this.#call({ do: "presenceStats", channel })
    return { numClients, numUsers }
  }

  async rpc(method: string, data: unknown): Promise<unknown> {
    return (await this.#call({ do: "rpc", method, data })).data
  }

  /** What came of a room, in order. */
  publications(channel: string): ReadonlyArray<EventOf<"publication">> {
    return this.of("publication").filter((event) => event.channel === channel)
  }

  #call(command: Without<Command>): Promise<Answer> {
    return this.#driver.call({ ...command, client: this.#number })
  }
}

/** Clients of one SDK. */
export class SdkClients {
  readonly #clients: Array<SdkClient> = []
  readonly #driver: SdkDriver

  private constructor(driver: SdkDriver) {
    this.#driver = driver
  }

  static async start(start: StartDriver): Promise<SdkClients> {
    const clients: SdkClients = new SdkClients(await start((event) => clients.#clients[event.client]?.take(event)))
    return clients
  }

  async open(options: SdkClientOptions): Promise<SdkClient> {
    const client = new SdkClient(this.#driver, this.#clients.length, options)
    this.#clients.push(client)
    await client.open()
    return client
  }

  /** Ends what is connected. */
  async disconnect(): Promise<void> {
    for (const client of this.#clients.filter(({ hasLeft }) => !hasLeft)) await client.disconnect().catch(() => {})
  }

  async close(): Promise<void> {
    await this.disconnect()
    await this.#driver.close()
  }
}
