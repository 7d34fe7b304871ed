import { WebSocket } from "ws"
import { Random } from "../../delivery/Random.ts"
import { ChatClient } from "../../support/ChatClient.ts"
import type { Started } from "../../support/ServerProcess.ts"
import { commandsIn, CommandSource, encoded, mutated, repliesIn } from "./CommandFrames.ts"
import type { Encoding } from "./CommandFrames.ts"
import { CommandModel } from "./CommandModel.ts"
import type { Reply, Rule } from "./CommandModel.ts"

export interface CommandFuzzing {
  readonly commands: number
  readonly seed: number
  readonly onProgress?: (commands: number, sockets: number) => void
}

/** How it went: sockets, replies by what they were, and how the sockets that the server ended were ended. */
export interface CommandFigures {
  readonly sockets: number
  readonly commands: number
  readonly frames: number
  readonly outcomes: ReadonlyMap<string, number>
}

const peers = 8
const framesASocket = 40
/** Commands in one frame, at most; more than the server takes, now and then. */
const commandsAFrame = 12
const tooMany = 1_100
/** The neighbour says something and hears it after so many sockets. */
const chatEvery = 20
/** From what is sent last to what must come of it. */
const answeredWithinMillis = 20_000
const lastId = 4_000_000_000

const count = (figures: Map<string, number>, what: string): void => void figures.set(what, (figures.get(what) ?? 0) + 1)

/** One socket, its model, and what came. */
class Peer {
  readonly #socket: WebSocket
  readonly #encoding: Encoding
  readonly #model: CommandModel
  readonly #rules: Array<Extract<Rule, { kind: "reply" }>> = []
  readonly #pushed = new Map<string, Array<number>>()
  readonly #outcomes: Map<string, number>
  readonly #settled = Promise.withResolvers<void>()
  #last: string = ""
  #end: number | undefined
  #answered = 0

  constructor(url: string, encoding: Encoding, model: CommandModel, outcomes: Map<string, number>) {
    this.#encoding = encoding
    this.#model = model
    this.#outcomes = outcomes
    this.#socket = new WebSocket(url, encoding === "json" ? [] : ["centrifuge-protobuf"], { perMessageDeflate: false })
    this.#settled.promise.catch(() => {})
    this.#socket.on("error", (cause) => this.#settled.reject(cause))
    this.#socket.on("message", (data: Buffer, isBinary) => {
      try {
        if (isBinary !== (encoding === "protobuf")) throw new Error("a frame of the other encoding")
        for (const reply of repliesIn(encoding, data)) this.#take(reply)
      } catch (cause) {
        this.#settled.reject(this.#fault(cause instanceof Error ? cause.message : String(cause)))
      }
    })
    this.#socket.on("close", (code) => {
      if (code === this.#end && this.#answered === this.#rules.length) return this.#settled.resolve()
      const expected = this.#end === undefined ? "none" : String(this.#end)
      const missing = this.#rules.length - this.#answered
      this.#settled.reject(
        this.#fault(`it ended with ${code}, expected ${expected}, ${missing} replies before that are missing`)
      )
    })
  }

  async opened(): Promise<void> {
    await Promise.race([new Promise<void>((done) => this.#socket.once("open", () => done())), this.#settled.promise])
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** Sends a frame and draws the rules of what is in it. */
  send(frame: Buffer, isBinary = this.#encoding === "protobuf"): void {
    this.#last = frame.toString(isBinary ? "hex" : "utf8").slice(0, 3_000)
    const values = isBinary === (this.#encoding === "protobuf") ? commandsIn(this.#encoding, frame) : [undefined]
    // Of too many none is carried out; of what cannot be read, what stands before it.
    if (values.length > 1_024) this.#endWith(3501)
    else for (const value of values) this.#expect(value)
    this.#socket.send(frame, { binary: isBinary })
  }

  /** When everything is answered: the last answer, or the end. */
  async finished(): Promise<void> {
    let late: NodeJS.Timeout | undefined
    const tooLate = new Promise<never>((_, failed) => {
      const waited = (): void =>
        failed(this.#fault(`${this.#rules.length - this.#answered} replies, or the end, did not come`))
      late = setTimeout(waited, answeredWithinMillis)
    })
    try {
      await Promise.race([this.#settled.promise, tooLate])
      if (this.#end === undefined) this.#comparePushes()
    } finally {
      clearTimeout(late)
      this.#socket.terminate()
    }
  }

  #expect(value: unknown): void {
    if (this.#end !== undefined) return
    const rule = this.#model.rule(value)
    if (rule.kind === "end") this.#endWith(rule.code)
    else if (rule.kind === "reply") this.#rules.push(rule)
    else count(this.#outcomes, "nothing")
  }

  #endWith(code: number): void {
    if (this.#end !== undefined) return
    this.#end = code
    count(this.#outcomes, `end ${code}`)
  }

  #take(reply: Reply): void {
    if (reply["push"] !== undefined) return this.#takePush(reply["push"])
    if (Object.keys(reply).length === 0) return
    const rule = this.#rules[this.#answered]
    this.#answered += 1
    const fault = rule === undefined || rule.id !== reply.id ? `expected a reply to ${rule?.id}` : rule.fault(reply)
    if (fault !== undefined) throw new Error(`${fault}, got ${JSON.stringify(reply).slice(0, 1_000)}`)
    count(this.#outcomes, reply.error === undefined ? "answered" : `error ${reply.error.code}`)
    if (reply.id === lastId) this.#settled.resolve()
  }

  #takePush(push: unknown): void {
    const { channel, pub } = push as {
      readonly channel: string
      readonly pub?: { readonly offset: number; readonly data: unknown }
    }
    if (pub === undefined) return
    if (!this.#model.isRight(channel, pub))
      throw new Error(`not what was published: ${JSON.stringify(push).slice(0, 500)}`)
    const offsets = this.#pushed.get(channel)
    if (offsets === undefined) this.#pushed.set(channel, [pub.offset])
    else offsets.push(pub.offset)
    count(this.#outcomes, "pushed")
  }

  #comparePushes(): void {
    const [got, wanted] = [this.#pushed, this.#model.pushed].map((pushes) =>
      JSON.stringify(Object.fromEntries([...pushes].toSorted(([a], [b]) => (a < b ? -1 : 1))))
    )
    if (got !== wanted) throw this.#fault(`the pushes ${got} are not ${wanted}`)
  }

  #fault(what: string): Error {
    return new Error(`${this.#encoding}: ${what}; the last frame was ${this.#last}`)
  }
}

/** Sends commands of every kind in both encodings; rejects where one is not answered by its rule, the server ends, or a neighbour misses something. */
export const fuzzCommands = async (
  server: Started,
  { commands, onProgress, seed }: CommandFuzzing
): Promise<CommandFigures> => {
  const neighbour = await ChatClient.connect(server.socketUrl, { room: `neighbour-of-commands-${seed}`, since: 0 })
  const url = server.socketUrl.replace("/message/v1/send", "/connection/websocket")
  const random = new Random(seed)
  const epoch = await epochOf(url)
  const outcomes = new Map<string, number>()
  const done = { commands: 0, frames: 0, sockets: 0, rounds: 0 }

  const chatOn = async (): Promise<void> => {
    const round = (done.rounds += 1)
    neighbour.say(`round ${round}`)
    const { seq } = await neighbour.delivered(`round ${round}`)
    if (seq !== round) throw new Error(`the neighbour's round ${round} has position ${seq}`)
  }

  const frameOf = (own: Random, source: CommandSource, encoding: Encoding): Buffer => {
    const size = own.chance(0.002) ? tooMany : own.between(1, commandsAFrame)
    const values = Array.from({ length: size }, () => (size === tooMany ? { id: 1, ping: {} } : source.next()))
    done.commands += size
    const frame = encoded(encoding, values)
    // A guest's name that is like the server's is refused by rules of its own, and a name of one sign may be anybody's.
    return own.chance(0.02) && !frame.includes("system") && !frame.includes('"channel":""')
      ? mutated(own, encoding, frame)
      : frame
  }

  const attack = async (own: Random): Promise<void> => {
    while (done.commands < commands) {
      const number = (done.sockets += 1)
      if (number % chatEvery === 0) await chatOn()
      const encoding = number % 2 === 0 ? "json" : "protobuf"
      const peer = new Peer(url, encoding, new CommandModel(epoch), outcomes)
      await peer.opened()
      // So far from each other that no changed byte makes one room of two.
      const source = new CommandSource(own, `commands-${own.below(2 ** 48)}-${number}`, epoch)
      if (own.chance(0.97))
        peer.send(encoded(encoding, [{ id: 1, connect: own.chance(0.03) ? { token: "e30.e30.x" } : {} }]))
      for (let frame = 0; frame < framesASocket && !peer.hasEnded; frame++) {
        const bytes = frameOf(own, source, encoding)
        done.frames += 1
        if (own.chance(0.001)) peer.send(Buffer.from("{}"), encoding === "json")
        else if (bytes.length < 64 * 1024) peer.send(bytes)
      }
      if (!peer.hasEnded) peer.send(encoded(encoding, [{ id: lastId, ping: {} }]))
      await peer.finished().catch((cause: unknown) => {
        throw new Error(`seed ${seed}, socket ${number}`, { cause })
      })
      if (server.child.exitCode !== null) throw new Error(`the server ended; seed ${seed}, socket ${number}`)
      onProgress?.(done.commands, done.sockets)
    }
  }
  await Promise.all(Array.from({ length: peers }, () => attack(random.fork())))
  await chatOn()
  await neighbour.close()
  return { ...done, outcomes }
}

const epochOf = async (url: string): Promise<string> => {
  const socket = new WebSocket(url)
  const came = new Promise<string>((done, failed) => {
    socket.once("error", failed)
    socket.on("message", (data: Buffer) => {
      const reply = repliesIn("json", data).find(({ id }) => id === 2)
      if (reply !== undefined) done((reply["history"] as { readonly epoch: string }).epoch)
    })
  })
  socket.once("open", () => socket.send('{"id":1,"connect":{}}\n{"id":2,"history":{"channel":"any"}}'))
  const epoch = await came
  socket.terminate()
  return epoch
}
