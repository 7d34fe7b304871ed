import type { Socket } from "node:net"
import { WebSocket } from "ws"
import type { RawData } from "ws"
import type { ReceivedFrame } from "../support/ChatClient.ts"
import { contentOf } from "./Content.ts"
import type { From, Segment } from "./Segment.ts"
import type { Said, Voice } from "./Voice.ts"
import type { World } from "./World.ts"

const goodbyeMillis = 3_000
const handshakeMillis = 10_000

/** One socket of the classic wire, from its opening to its end. */
export class ChatSegment implements Segment {
  readonly #world: World
  readonly #voice: Voice
  readonly #number: number
  readonly #socket: WebSocket
  last: number | undefined
  readonly ended: Promise<void>

  private constructor(world: World, client: string, voice: Voice, from: From) {
    this.#world = world
    this.#voice = voice
    this.#number = world.recorder.segment()
    this.last = from.since
    const { name: author, room, token } = voice
    world.recorder.record({ type: "opened", segment: this.#number, client, room, author, ...from })
    const url = new URL(world.socketUrl)
    for (const [name, value] of Object.entries({ room, ...from })) url.searchParams.set(name, String(value))
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: handshakeMillis,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
    })
    this.#socket.on("message", (data: RawData) => this.#received(JSON.parse(String(data)) as ReceivedFrame))
    this.#socket.on("error", () => {})
    this.ended = new Promise((done) => {
      this.#socket.once("close", (code) => {
        world.recorder.record({ type: "closed", segment: this.#number, how: String(code) })
        done()
      })
    })
  }

  /** `undefined` where the server is not there, or not ready yet. */
  static async open(world: World, client: string, voice: Voice, from: From): Promise<ChatSegment | undefined> {
    const segment = new ChatSegment(world, client, voice, from)
    const opened = new Promise<boolean>((done) => segment.#socket.once("open", () => done(true)))
    const isOpen = await Promise.race([opened, segment.ended.then(() => false)])
    if (isOpen) world.connects += 1
    return isOpen ? segment : undefined
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send({ id, message }: Said): void {
    if (!this.isOpen) return
    this.#world.recorder.record({ type: "sent", segment: this.#number, id, message })
    this.#socket.send(JSON.stringify({ from: this.#voice.name, message, ...(id === undefined ? {} : { id }) }))
  }

  stopReading(): void {
    if (this.isOpen) this.#socket.pause()
  }

  readOn(): void {
    this.#socket.resume()
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.#endSoon()
  }

  async terminate(): Promise<void> {
    this.#socket.terminate()
    await this.ended
  }

  /** Says at the level of TCP that nothing more comes, and reads what does. */
  async halfClose(): Promise<void> {
    ;(this.#socket as unknown as { readonly _socket: Socket })._socket.end()
    await this.#endSoon()
  }

  /** A server that is killed may leave the goodbye unanswered. */
  async #endSoon(): Promise<void> {
    await Promise.race([this.ended, this.#world.pause(goodbyeMillis)])
    await this.terminate()
  }

  #received(frame: ReceivedFrame): void {
    const { recorder } = this.#world
    const segment = this.#number
    const { ack, error, from, id, message, room = "", seq } = frame
    if (seq !== undefined && id !== undefined) {
      this.last = seq
      recorder.record({ type: "delivered", segment, seq, from, id, message, room, content: contentOf(frame) })
      if (from === this.#voice.name) this.#voice.acknowledged(id)
    } else if (ack !== undefined) {
      recorder.record({ type: "acknowledged", segment, ...ack })
      this.#voice.acknowledged(ack.id)
    } else if (error !== undefined) {
      recorder.record({ type: "refused", segment, code: error.code, id: error.id })
    }
  }
}
