import { Centrifuge } from "centrifuge"
import type { PublicationContext, StreamPosition, Subscription } from "centrifuge"
import { Centrifuge as ProtobufCentrifuge } from "centrifuge/build/protobuf"
import { SdkError } from "./SdkDriver.ts"
import type { Answer, Command, Encoding, Position, Publication, SdkDriver, SdkEvent } from "./SdkDriver.ts"

/** Application data: an object where the SDK speaks JSON, bytes of JSON where it speaks protobuf. */
const codecs: Record<
  Encoding,
  { readonly encode: (data: unknown) => unknown; readonly decode: (data: unknown) => unknown }
> = {
  json: { encode: (data) => data, decode: (data) => data },
  protobuf: {
    encode: (data) => new TextEncoder().encode(JSON.stringify(data)),
    decode: (data) => JSON.parse(new TextDecoder().decode(data as Uint8Array)) as unknown
  }
}

const publicationOf = (context: PublicationContext, encoding: Encoding): Publication => ({
  offset: context.offset ?? 0,
  data: codecs[encoding].decode(context.data),
  ...(context.info === undefined ? {} : { user: context.info.user })
})

const positionOf = (position: StreamPosition | undefined): { readonly position?: Position } =>
  position === undefined ? {} : { position: { offset: position.offset, epoch: position.epoch } }

class JavaScriptClient {
  readonly #encoding: Encoding
  readonly #sdk: Centrifuge
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #tell: (event: SdkEvent) => void
  readonly #number: number
  #answerToken: (token: string) => void = () => {}

  constructor(open: Command & { do: "open" }, tell: (event: SdkEvent) => void) {
    const { asks, client, encoding, token, url } = open
    this.#number = client
    this.#encoding = encoding
    this.#tell = tell
    // The two builds declare one class twice.
    const Sdk = encoding === "json" ? Centrifuge : (ProtobufCentrifuge as unknown as typeof Centrifuge)
    this.#sdk = new Sdk(url, {
      minReconnectDelay: 50,
      maxReconnectDelay: 500,
      ...(token === undefined ? {} : { token }),
      ...(asks
        ? {
            getToken: () =>
              new Promise<string>((resolve) => {
                this.#answerToken = resolve
                tell({ client, event: "token" })
              })
          }
        : {})
    })
    this.#sdk.on("connected", ({ client: id }) => tell({ client, event: "connected", id }))
    this.#sdk.on("connecting", ({ code, reason }) => tell({ client, event: "connecting", code, reason }))
    this.#sdk.on("disconnected", ({ code, reason }) => tell({ client, event: "disconnected", code, reason }))
  }

  async call(command: Exclude<Command, { do: "open" }>): Promise<Answer> {
    const { decode, encode } = codecs[this.#encoding]
    switch (command.do) {
      case "connect":
        this.#sdk.connect()
        return {}
      case "disconnect":
        this.#sdk.disconnect()
        return {}
      case "token":
        this.#answerToken(command.token)
        return {}
      case "subscribe":
        this.#subscription(command.channel).subscribe()
        return {}
      case "unsubscribe":
        this.#subscription(command.channel).unsubscribe()
        return {}
      case "publish":
        await this.#sdk.publish(command.channel, encode(command.data))
        return {}
      case "history": {
        const { channel, limit, reverse, since } = command
        const options = { limit, reverse, ...(since === undefined ? {} : { since }) }
        const { epoch, offset, publications } = await this.#sdk.history(channel, options)
        return {
          publications: publications.map((publication) => publicationOf(publication, this.#encoding)),
          position: { offset, epoch }
        }
      }
      case "presence": {
        const { clients } = await this.#sdk.presence(command.channel)
        return { presence: Object.fromEntries(Object.entries(clients).map(([id, { user }]) => [id, user])) }
      }
      case "presenceStats":
        return await this.#sdk.presenceStats(command.channel)
      default:
        return { data: decode((await this.#sdk.rpc(command.method, encode(command.data))).data) }
    }
  }

  #subscription(channel: string): Subscription {
    const before = this.#subscriptions.get(channel)
    if (before !== undefined) return before
    const made = this.#sdk.newSubscription(channel, { recoverable: true, joinLeave: true, minResubscribeDelay: 50 })
    this.#subscriptions.set(channel, made)
    const client = this.#number
    made.on("subscribed", ({ recovered, streamPosition, wasRecovering }) =>
      this.#tell({ client, event: "subscribed", channel, wasRecovering, recovered, ...positionOf(streamPosition) })
    )
    made.on("unsubscribed", ({ code }) => this.#tell({ client, event: "unsubscribed", channel, code }))
    made.on("publication", (context) =>
      this.#tell({ client, event: "publication", channel, ...publicationOf(context, this.#encoding) })
    )
    for (const event of ["join", "leave"] as const) {
      made.on(event, ({ info }) => this.#tell({ client, event, channel, id: info.client, user: info.user }))
    }
    return made
  }
}

/** `centrifuge` from npm, in this process. */
export const startJavaScript = (onEvent: (event: SdkEvent) => void): Promise<SdkDriver> => {
  const clients = new Map<number, JavaScriptClient>()
  return Promise.resolve({
    call: async (command) => {
      if (command.do === "open") {
        clients.set(command.client, new JavaScriptClient(command, onEvent))
        return {}
      }
      try {
        return (await clients.get(command.client)?.call(command)) ?? {}
      } catch (cause) {
        const { code, message } = cause as { readonly code?: number; readonly message: string }
        throw new SdkError(code ?? 0, message)
      }
    },
    close: async () => {
      for (const [client, sdk] of clients) await sdk.call({ client, do: "disconnect" })
    }
  })
}
