import type { RunningServer } from "../server/ServerProcess.ts"
import type { Wire } from "../Target.ts"
import { collectGarbage } from "./collectGarbage.ts"
import { Crowd } from "./Crowd.ts"
import { Latencies } from "./Latencies.ts"
import type { Percentiles } from "./Latencies.ts"
import { onNewMessages, spread } from "./Members.ts"
import { Meter } from "./Meter.ts"
import type { Usage } from "./Meter.ts"
import { RoomTranscript } from "./RoomTranscript.ts"
import { Sender } from "./Sender.ts"
import { sleep } from "./sleep.ts"

export interface ClosedLoopSettings {
  /** New to the server, whose journal may outlive it. */
  readonly room: string
  readonly sockets: number
  readonly senders: number
  /** Each sender has this many messages on their way: it sends the next when it sees its own copy of one. */
  readonly inFlight: number
  readonly messageBytes: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** What one turn measured. Everything is of the measured window but where it says so. */
export interface ClosedLoopResult extends Usage {
  readonly deliveries: number
  readonly deliveriesPerSecond: number
  readonly messagesPerSecond: number
  /** From a send to the sender's own copy. */
  readonly own: Percentiles
  /** From a send to the copies of sockets that are spread over the room and send nothing. */
  readonly receivers: Percentiles
  /** Of the whole turn: every one of these was checked. */
  readonly checkedMessages: number
  readonly checkedDeliveries: number
}

/** A room without a delivery for so long has lost what is missing. */
const stallMs = 10_000
const sampled = 8

/** Runs one turn against a server that is ready. Rejects with a `BenchFault` if a single delivery is missing, repeated, out of order or other bytes. */
export const closedLoop = async (
  server: RunningServer,
  wire: Wire,
  settings: ClosedLoopSettings,
  onProgress: (what: string) => void
): Promise<ClosedLoopResult> => {
  const senders: Array<Sender> = []
  const transcript = new RoomTranscript({
    wire,
    room: settings.room,
    sentAt: (sender, count) => senders[sender]?.sentAt(count)
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
  const unlessEnded = <A>(work: Promise<A>): Promise<A> => server.unlessEnded(crowd.unlessFault(work))
  try {
    await unlessEnded(sleep(200))

    const own = new Latencies()
    const receivers = new Latencies()
    let sending = true
    for (const member of spread(crowd.members, settings.senders, 0)) {
      const index = senders.length
      const sender = new Sender(index, wire, settings.room, settings.messageBytes, (frames) =>
        member.socket.write(frames)
      )
      senders.push(sender)
      onNewMessages(member, transcript, (from, to, now) => {
        let copies = 0
        for (let frame = from; frame < to; frame++) {
          if (transcript.senderOf(frame) !== index) continue
          copies++
          own.record(now - transcript.sentAtOf(frame))
        }
        if (copies > 0 && sending) sender.send(copies)
      })
    }
    for (const member of spread(crowd.members, sampled, 0.5)) {
      if (member.onProgress !== undefined) continue
      onNewMessages(member, transcript, (from, to, now) => {
        for (let frame = from; frame < to; frame++) receivers.record(now - transcript.sentAtOf(frame))
      })
    }

    collectGarbage()
    for (const sender of senders) sender.send(settings.inFlight)
    const warmUntil = performance.now() + settings.warmUpSeconds * 1000
    while (performance.now() < warmUntil || senders.some(({ sent }) => sent === settings.inFlight)) {
      onProgress("warming up")
      await unlessEnded(sleep(50))
    }

    own.reset()
    receivers.reset()
    const meter = new Meter(server)
    const before = { time: performance.now(), deliveries: crowd.deliveries(), messages: transcript.frames }
    const until = before.time + settings.seconds * 1000
    for (let now = before.time; now < until; now = performance.now()) {
      const rate = (crowd.deliveries() - before.deliveries) / Math.max(1, now - before.time)
      onProgress(`measuring ${((now - before.time) / 1000).toFixed(1)}/${settings.seconds} s, ${Math.round(rate)}k/s`)
      await unlessEnded(sleep(Math.min(250, Math.max(1, until - now))))
    }
    const usage = meter.usage()
    const deliveries = crowd.deliveries() - before.deliveries
    const messages = transcript.frames - before.messages
    const ownPercentiles = own.percentiles()
    const receiverPercentiles = receivers.percentiles()

    sending = false
    const sent = senders.reduce((sum, sender) => sum + sender.sent, 0)
    await server.unlessEnded(
      crowd.allReceived(sent, stallMs, (behind) => onProgress(`checking, ${behind} deliveries on their way`))
    )
    return {
      ...usage,
      deliveries,
      deliveriesPerSecond: deliveries / usage.seconds,
      messagesPerSecond: messages / usage.seconds,
      own: ownPercentiles,
      receivers: receiverPercentiles,
      checkedMessages: sent,
      checkedDeliveries: sent * crowd.members.length
    }
  } finally {
    crowd.close()
  }
}
