import type { RunningServer } from "../server/ServerProcess.ts"
import type { Wire } from "../Target.ts"
import { messageText, senderName } from "./BenchMessage.ts"
import { clientFrame } from "./ClientFrame.ts"
import { collectGarbage } from "./collectGarbage.ts"
import { Crowd } from "./Crowd.ts"
import type { Member } from "./Crowd.ts"
import { Latencies } from "./Latencies.ts"
import type { Percentiles } from "./Latencies.ts"
import { onNewMessages, spread } from "./Members.ts"
import { Meter } from "./Meter.ts"
import type { Usage } from "./Meter.ts"
import { RoomTranscript } from "./RoomTranscript.ts"
import { Schedule } from "./Schedule.ts"
import { opcodes } from "./ServerFrame.ts"
import { sleep } from "./sleep.ts"

export interface OpenLoopSettings {
  /** New to the server, whose journal may outlive it. */
  readonly room: string
  readonly sockets: number
  /** Messages are posted by so many of the sockets in turn. */
  readonly senders: number
  /** So many of the sockets, evenly over the room, have their deliveries timed; all have them checked. */
  readonly timed: number
  readonly messageBytes: number
}

export interface OpenLoopPhase {
  readonly ratePerSecond: number
  readonly warmUpSeconds: number
  readonly seconds: number
  /** How long after the last message was due its deliveries are waited for. */
  readonly graceSeconds: number
}

/** What one rate gave. Everything is of the window in which messages were due. */
export interface OpenLoopResult extends Usage {
  readonly ratePerSecond: number
  /** Whether every delivery had come when the grace was over. Where it had not, `latency` counts what was missing with its age: lower bounds. */
  readonly keptUp: boolean
  readonly deliveriesPerSecond: number
  /** From the moment a message was due, whenever it left, to each of the timed sockets. */
  readonly latency: Percentiles
  /** From the moment a message was due to the moment it left: what of the latency is the generator's own. */
  readonly lateness: Percentiles
  /** The greatest RSS seen, the warm-up included. */
  readonly serverPeakRssBytes: number | undefined
  readonly checkedDeliveries: number
}

/** Chunks that are read before it is looked whether a message is due: about a tenth of a millisecond. */
const chunksBetween = 16

/** Due times are remembered for so many messages: more than may be on their way. */
const remembered = 1 << 17

/** A room into which messages are posted by the clock, not when the server has answered the last ones. */
export class OpenLoop {
  readonly #server: RunningServer
  readonly #wire: Wire
  readonly #settings: OpenLoopSettings
  readonly #crowd: Crowd
  readonly #posters: ReadonlyArray<Member>
  readonly #timed: ReadonlyArray<Member>
  readonly #due: Float64Array
  readonly #latencies = new Latencies()
  readonly #lateness = new Latencies()
  #windowStart = Infinity
  #sent: { count: number }

  static async connect(
    server: RunningServer,
    wire: Wire,
    settings: OpenLoopSettings,
    onProgress: (what: string) => void
  ): Promise<OpenLoop> {
    const due = new Float64Array(remembered)
    const sent = { count: 0 }
    const transcript = new RoomTranscript({
      wire,
      room: settings.room,
      sentAt: (sender, count) => {
        const index = (count - 1) * settings.senders + sender
        return index < sent.count ? due[index % remembered] : undefined
      }
    })
    const crowd = await server.unlessEnded(
      Crowd.connect({
        port: server.socketPort,
        wire,
        room: settings.room,
        sockets: settings.sockets,
        transcript,
        onConnected: (sockets) => onProgress(`connecting ${sockets}/${settings.sockets}`)
      })
    )
    return new OpenLoop(server, wire, settings, crowd, due, sent)
  }

  private constructor(
    server: RunningServer,
    wire: Wire,
    settings: OpenLoopSettings,
    crowd: Crowd,
    due: Float64Array,
    sent: { count: number }
  ) {
    this.#server = server
    this.#wire = wire
    this.#settings = settings
    this.#crowd = crowd
    this.#due = due
    this.#sent = sent
    this.#posters = spread(crowd.members, settings.senders, 0)
    this.#timed = spread(crowd.members, settings.timed, 0.5)
    const { transcript } = crowd
    for (const member of this.#timed) {
      onNewMessages(member, transcript, (from, to, now) => {
        for (let frame = from; frame < to; frame++) {
          const time = transcript.sentAtOf(frame)
          if (time >= this.#windowStart) this.#latencies.record(now - time)
        }
      })
    }
  }

  /** One rate, to its end; the next may follow where this one kept up. Rejects with a `BenchFault`. */
  async run(phase: OpenLoopPhase, onProgress: (what: string) => void): Promise<OpenLoopResult> {
    collectGarbage()
    const start = performance.now() + 20
    const schedule = new Schedule({ ...phase, start, seconds: phase.warmUpSeconds + phase.seconds })
    const windowStart = start + phase.warmUpSeconds * 1000
    const end = windowStart + phase.seconds * 1000
    this.#latencies.reset()
    this.#lateness.reset()
    this.#windowStart = windowStart
    const posting = this.#post(schedule, windowStart)
    let peak = 0
    let meter: Meter | undefined
    let delivered = 0
    try {
      for (let now = start; now < end; now = performance.now()) {
        onProgress(now < windowStart ? "warming up" : `${((now - windowStart) / 1000).toFixed(1)}/${phase.seconds} s`)
        if (meter === undefined && now >= windowStart) {
          meter = new Meter(this.#server)
          delivered = this.#crowd.deliveries()
        }
        peak = Math.max(peak, this.#server.usage()?.rssBytes ?? 0)
        const next = meter === undefined ? windowStart : end
        await this.#unlessEnded(sleep(Math.min(100, Math.max(1, next - now))))
      }
      const usage = (meter ?? new Meter(this.#server)).usage()
      const deliveries = this.#crowd.deliveries() - delivered
      await this.#unlessEnded(posting.finished)
      const keptUp = await this.#allCame(end + phase.graceSeconds * 1000, onProgress)
      if (!keptUp) this.#countMissing(performance.now())
      return {
        ...usage,
        ratePerSecond: phase.ratePerSecond,
        keptUp,
        deliveriesPerSecond: deliveries / usage.seconds,
        latency: this.#latencies.percentiles(),
        lateness: this.#lateness.percentiles(),
        serverPeakRssBytes: peak === 0 ? undefined : peak,
        checkedDeliveries: this.#crowd.deliveries()
      }
    } finally {
      posting.stop()
    }
  }

  close(): void {
    this.#crowd.close()
  }

  #unlessEnded<A>(work: Promise<A>): Promise<A> {
    return this.#server.unlessEnded(this.#crowd.unlessFault(work))
  }

  #post(schedule: Schedule, windowStart: number): { readonly finished: Promise<void>; readonly stop: () => void } {
    const finished = Promise.withResolvers<void>()
    const first = this.#sent.count
    let posted = 0
    let timer: NodeJS.Timeout | undefined
    const postDue = (): void => {
      clearTimeout(timer)
      const now = performance.now()
      const date = new Date().toISOString()
      for (const due = schedule.dueBy(now); posted < due; posted++) {
        const at = schedule.dueAt(posted)
        if (at >= windowStart) this.#lateness.record(now - at)
        this.#postOne(first + posted, at, date)
      }
      if (posted === schedule.messages) {
        this.#crowd.onChunk = undefined
        finished.resolve()
      } else timer = setTimeout(postDue, Math.max(0, schedule.dueAt(posted) - performance.now()))
    }
    // A timer waits until all sockets that have something were read: thousands of them are many milliseconds.
    let chunks = 0
    this.#crowd.onChunk = () => {
      chunks += 1
      if (chunks % chunksBetween === 0 && performance.now() >= schedule.dueAt(posted)) postDue()
    }
    postDue()
    return {
      finished: finished.promise,
      stop: () => {
        this.#crowd.onChunk = undefined
        clearTimeout(timer)
      }
    }
  }

  #postOne(index: number, due: number, date: string): void {
    const { messageBytes, senders } = this.#settings
    const sender = index % senders
    const text = messageText(sender, Math.floor(index / senders) + 1, messageBytes)
    this.#due[index % remembered] = due
    this.#sent.count = index + 1
    const frame = this.#wire.encode(senderName(sender), text, date, this.#settings.room)
    this.#posters[sender]?.socket.write(clientFrame(opcodes.text, Buffer.from(frame)))
  }

  async #allCame(until: number, onProgress: (what: string) => void): Promise<boolean> {
    const expected = this.#sent.count * this.#crowd.members.length
    for (;;) {
      const missing = expected - this.#crowd.deliveries()
      if (missing === 0) return true
      if (performance.now() >= until) return false
      onProgress(`${missing} deliveries on their way`)
      await this.#unlessEnded(sleep(20))
    }
  }

  /** The newest are missing: a room's deliveries come in its order. */
  #countMissing(now: number): void {
    for (const { reader } of this.#timed) {
      const times: Array<number> = []
      for (let index = this.#crowd.transcript.received(reader); index < this.#sent.count; index++) {
        const due = this.#due[index % remembered] ?? 0
        if (due >= this.#windowStart) times.push(due)
      }
      this.#latencies.recordMissing(times, now)
    }
  }
}
