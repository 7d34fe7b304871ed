import type { RunningServer } from "../server/ServerProcess.ts"
import type { Wire } from "../Target.ts"
import { collectGarbage } from "./collectGarbage.ts"
import { Crowd } from "./Crowd.ts"
import { Latencies } from "./Latencies.ts"
import type { Percentiles } from "./Latencies.ts"
import { onNewMessages } from "./Members.ts"
import { Meter } from "./Meter.ts"
import type { Usage } from "./Meter.ts"
import { RoomTranscript } from "./RoomTranscript.ts"
import { Sender } from "./Sender.ts"
import { sleep } from "./sleep.ts"

export interface ManyRoomsSettings {
  /** The rooms' names begin with this; new to the server, whose journal may outlive it. */
  readonly room: string
  readonly rooms: number
  readonly socketsARoom: number
  readonly messageBytes: number
}

export interface ManyRoomsPhase {
  /** Each room's one sender has so many messages on their way. */
  readonly inFlight: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface ManyRoomsResult extends Usage {
  readonly inFlight: number
  /** Of all rooms together, as their senders got them back. */
  readonly messagesPerSecond: number
  readonly deliveriesPerSecond: number
  /** From a send to the sender's own copy. */
  readonly own: Percentiles
  /** Since the connect. */
  readonly checkedDeliveries: number
}

/** A room's own stream is remembered so far back: seconds of a small room. */
const streamBytes = 512 * 1024
const streamFrames = 4096
/** Rooms whose sockets connect at once. */
const connecting = 16
const stallMs = 10_000

interface BusyRoom {
  readonly crowd: Crowd
  readonly sender: Sender
}

/** Many small rooms, each with one sender in a closed loop. Each room's deliveries are checked against its own log. */
export class ManyRooms {
  readonly #server: RunningServer
  readonly #rooms: ReadonlyArray<BusyRoom>
  readonly #faulted: Promise<never>
  readonly #own = new Latencies()
  #sending = false

  static async connect(
    server: RunningServer,
    wire: Wire,
    settings: ManyRoomsSettings,
    onProgress: (what: string) => void
  ): Promise<ManyRooms> {
    const rooms: Array<BusyRoom> = []
    let next = 0
    const connectSome = async (): Promise<void> => {
      while (next < settings.rooms) {
        rooms.push(await connectRoom(server, wire, settings, next++))
        onProgress(`connecting ${rooms.length}/${settings.rooms} rooms`)
      }
    }
    try {
      await server.unlessEnded(Promise.all(Array.from({ length: connecting }, connectSome)))
    } catch (cause) {
      next = Infinity
      for (const { crowd } of rooms) crowd.close()
      throw cause
    }
    return new ManyRooms(server, rooms)
  }

  private constructor(server: RunningServer, rooms: ReadonlyArray<BusyRoom>) {
    this.#server = server
    this.#rooms = rooms
    this.#faulted = Promise.race(rooms.map(({ crowd }) => crowd.unlessFault(new Promise<never>(() => {}))))
    this.#faulted.catch(() => {})
    for (const { crowd, sender } of rooms) {
      const [first] = crowd.members
      if (first === undefined) continue
      onNewMessages(first, crowd.transcript, (from, to, now) => {
        for (let frame = from; frame < to; frame++) this.#own.record(now - crowd.transcript.sentAtOf(frame))
        if (this.#sending) sender.send(to - from)
      })
    }
  }

  /** One number in flight, to its end: everything sent has come everywhere. Rejects with a `BenchFault`. */
  async run(phase: ManyRoomsPhase, onProgress: (what: string) => void): Promise<ManyRoomsResult> {
    collectGarbage()
    this.#sending = true
    for (const { sender } of this.#rooms) sender.send(phase.inFlight)
    onProgress("warming up")
    await this.#unlessEnded(sleep(phase.warmUpSeconds * 1000))
    this.#own.reset()
    const meter = new Meter(this.#server)
    const messages = this.#messages()
    const deliveries = this.#deliveries()
    onProgress("measuring")
    await this.#unlessEnded(sleep(phase.seconds * 1000))
    const usage = meter.usage()
    const messagesPerSecond = (this.#messages() - messages) / usage.seconds
    const deliveriesPerSecond = (this.#deliveries() - deliveries) / usage.seconds
    const own = this.#own.percentiles()
    this.#sending = false
    await this.#unlessEnded(
      Promise.all(this.#rooms.map(({ crowd, sender }) => crowd.allReceived(sender.sent, stallMs, () => {})))
    )
    return {
      ...usage,
      inFlight: phase.inFlight,
      messagesPerSecond,
      deliveriesPerSecond,
      own,
      checkedDeliveries: this.#deliveries()
    }
  }

  close(): void {
    for (const { crowd } of this.#rooms) crowd.close()
  }

  #unlessEnded<A>(work: Promise<A>): Promise<A> {
    return this.#server.unlessEnded(Promise.race([work, this.#faulted]))
  }

  #messages(): number {
    return this.#rooms.reduce((sum, { crowd }) => {
      const [first] = crowd.members
      return first === undefined ? sum : sum + crowd.transcript.received(first.reader)
    }, 0)
  }

  #deliveries(): number {
    return this.#rooms.reduce((sum, { crowd }) => sum + crowd.deliveries(), 0)
  }
}

/** Senders are numbered through all rooms: a message that came into another room is one that its room never sent. */
const connectRoom = async (
  server: RunningServer,
  wire: Wire,
  settings: ManyRoomsSettings,
  index: number
): Promise<BusyRoom> => {
  const room = `${settings.room}-${index}`
  const transcript = new RoomTranscript({
    wire,
    room,
    streamBytes,
    streamFrames,
    sentAt: (number, count) => (number === index ? sender.sentAt(count) : undefined)
  })
  const crowd = await Crowd.connect({
    port: server.socketPort,
    wire,
    room,
    sockets: settings.socketsARoom,
    transcript,
    onConnected: () => {}
  })
  const sender = new Sender(index, wire, room, settings.messageBytes, (frames) =>
    crowd.members[0]?.socket.write(frames)
  )
  return { crowd, sender }
}
