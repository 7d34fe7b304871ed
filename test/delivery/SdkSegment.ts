import { Centrifuge } from "centrifuge"
import type { PublicationContext } from "centrifuge"
import { WebSocket } from "ws"
import { contentOf } from "./Content.ts"
import type { From, Segment } from "./Segment.ts"
import type { Said, Voice } from "./Voice.ts"
import type { World } from "./World.ts"

const connectWithinMillis = 5_000

/** The server's errors by the names that they have on the classic wire. */
const names: Readonly<Record<number, string>> = { 103: "forbidden", 107: "bad_frame", 409: "id_conflict" }

interface ChatData {
  readonly guest?: true
  readonly from: string
  readonly message: string
  readonly date: string
  readonly id?: string
}

/**
 * A client of the JavaScript SDK, which connects again by itself and recovers. Each of its connections is a segment of the record, that begins where the last one ended: nothing may
 * be missing in between.
 */
export class SdkSegment implements Segment {
  readonly ended: Promise<void>
  last: number | undefined
  readonly #world: World
  readonly #client: string
  readonly #voice: Voice
  readonly #sdk: Centrifuge
  #segment: number | undefined
  #socket: WebSocket | undefined
  #isOpen = true

  private constructor(world: World, client: string, voice: Voice, from: From) {
    this.#world = world
    this.#client = client
    this.#voice = voice
    this.last = from.since
    const onSocket = (socket: WebSocket): void => {
      this.#socket = socket
    }
    // The server has another port whenever it is started: the SDK's own idea of where it is may be old.
    class Socket extends WebSocket {
      constructor(_: string, protocols?: string | Array<string>) {
        super(urlOf(world), protocols, { perMessageDeflate: false })
        this.on("error", () => {})
        onSocket(this)
      }
    }
    this.#sdk = new Centrifuge(urlOf(world), {
      websocket: Socket,
      minReconnectDelay: 20,
      maxReconnectDelay: 300,
      ...(voice.token === undefined ? {} : { token: voice.token })
    })
    this.ended = new Promise((done) => this.#sdk.on("disconnected", () => done()))
    this.#sdk.on("error", () => {})
  }

  /** `undefined` where the server is not there, or not ready yet. */
  static async open(world: World, client: string, voice: Voice, from: From): Promise<SdkSegment | undefined> {
    const segment = new SdkSegment(world, client, voice, from)
    segment.#sdk.connect()
    try {
      await segment.#sdk.ready(connectWithinMillis)
      const { epoch, offset } = await segment.#sdk.history(voice.room, { limit: 0 })
      // There is no `?history=` here: the last positions are what comes after one of them.
      const since = from.since ?? Math.max(0, offset - (from.history ?? 0))
      segment.last = since
      await segment.#follow(since, epoch)
      return segment
    } catch {
      await segment.terminate()
      return undefined
    }
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send({ id, message }: Said): void {
    const segment = this.#segment
    if (segment === undefined) return
    const { recorder } = this.#world
    const { name } = this.#voice
    recorder.record({ type: "sent", segment, id, message })
    void this.#publish(segment, id, { from: name, message, ...(id === undefined ? {} : { id }) })
  }

  async #publish(segment: number, id: string | undefined, data: object): Promise<void> {
    const { recorder } = this.#world
    const { name: author, room } = this.#voice
    try {
      await this.#sdk.publish(room, data)
      if (id === undefined) return
      recorder.record({ type: "accepted", room, author, id })
      this.#voice.acknowledged(id)
    } catch (cause) {
      // When its connection is gone nobody asks what an answer said.
      if (this.#segment !== segment) return
      const { code } = cause as { readonly code: number }
      recorder.record({ type: "refused", segment, code: names[code] ?? String(code), id })
    }
  }

  stopReading(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.pause()
  }

  readOn(): void {
    this.#socket?.resume()
  }

  drop(): void {
    this.#socket?.terminate()
  }

  async close(): Promise<void> {
    this.#over("left")
    this.#sdk.disconnect()
    await this.ended
  }

  async terminate(): Promise<void> {
    this.#over("dropped")
    this.#socket?.terminate()
    this.#sdk.disconnect()
    await this.ended
  }

  halfClose(): Promise<void> {
    return this.close()
  }

  async #follow(since: number, epoch: string): Promise<void> {
    const { room } = this.#voice
    const subscription = this.#sdk.newSubscription(room, {
      since: { offset: since, epoch },
      recoverable: true,
      minResubscribeDelay: 20
    })
    subscription.on("error", () => {})
    subscription.on("subscribing", () => this.#closed("subscribing"))
    subscription.on("unsubscribed", ({ code }) => this.#over(`unsubscribed ${code}`))
    subscription.on("subscribed", ({ recovered, wasRecovering }) => {
      this.#closed("subscribed again")
      this.#world.connects += 1
      const { name: author } = this.#voice
      this.#segment = this.#world.recorder.segment()
      const opened = { client: this.#client, room, author, since: this.last ?? since }
      this.#world.recorder.record({ type: "opened", segment: this.#segment, ...opened })
      if (!wasRecovering || recovered) return
      this.#world.recorder.record({ type: "server", what: `did not recover ${this.#client}`, broken: true })
    })
    subscription.on("publication", (context) => this.#got(context))
    subscription.subscribe()
    await subscription.ready(connectWithinMillis)
  }

  #got({ channel: room, data, info, offset = 0 }: PublicationContext): void {
    const segment = this.#segment
    if (segment === undefined) return
    // What came without an id has none here; the classic wire names it by its room and position.
    const { date, from, guest, id = `${room}-${offset}`, message } = data as ChatData
    this.last = offset
    const isAccount = info?.user === from && guest === undefined
    const content = contentOf({ date, from, id, message, seq: offset, ...(isAccount ? {} : { guest: true }) })
    this.#world.recorder.record({ type: "delivered", segment, seq: offset, from, id, message, room, content })
    if (from === this.#voice.name) this.#voice.acknowledged(id)
  }

  #over(how: string): void {
    this.#isOpen = false
    this.#closed(how)
  }

  #closed(how: string): void {
    if (this.#segment === undefined) return
    this.#world.recorder.record({ type: "closed", segment: this.#segment, how })
    this.#segment = undefined
  }
}

const urlOf = ({ socketUrl }: World): string => new URL("/connection/websocket", socketUrl).href
