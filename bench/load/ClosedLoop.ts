import { cpus } from "node:os"
import type { RunningServer } from "../server/ServerProcess.ts"
import type { Wire } from "../Target.ts"
import { Crowd } from "./Crowd.ts"
import type { Member } from "./Crowd.ts"
import { Latencies } from "./Latencies.ts"
import type { Percentiles } from "./Latencies.ts"
import { RoomTranscript } from "./RoomTranscript.ts"
import { Sender } from "./Sender.ts"

export interface ClosedLoopSettings {
  readonly sockets: number
  readonly senders: number
  /** Each sender has this many messages on their way: it sends the next when it sees its own copy of one. */
  readonly inFlight: number
  readonly messageBytes: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** What one turn measured. Everything is of the measured window but where it says so. */
export interface ClosedLoopResult {
  readonly seconds: number
  readonly deliveries: number
  readonly deliveriesPerSecond: number
  readonly messagesPerSecond: number
  /** From a send to the sender's own copy. */
  readonly own: Percentiles
  /** From a send to the copies of sockets that are spread over the room and send nothing. */
  readonly receivers: Percentiles
  readonly connectsPerSecond: number
  /** CPU-seconds; undefined where the OS does not tell. */
  readonly serverCpuSeconds: number | undefined
  readonly serverRssBytes: number | undefined
  /** With every socket connected and no message sent yet. */
  readonly serverIdleRssBytes: number | undefined
  /** Shares of one core. What is neither the server's nor the generator's is `othersCpuShare`: kernel work of the machine, other programs. */
  readonly generatorCpuShare: number
  readonly othersCpuShare: number | undefined
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
  const transcript = new RoomTranscript({ wire, sentAt: (sender, count) => senders[sender]?.sentAt(count) })
  const connectStart = performance.now()
  const crowd = await server.unlessEnded(
    Crowd.connect({
      port: server.socketPort,
      wire,
      room: "bench",
      sockets: settings.sockets,
      transcript,
      onConnected: (sockets) => onProgress(`connecting ${sockets}/${settings.sockets}`)
    })
  )
  const connectsPerSecond = (settings.sockets / (performance.now() - connectStart)) * 1000
  const unlessEnded = <A>(work: Promise<A>): Promise<A> => server.unlessEnded(crowd.unlessFault(work))
  try {
    await unlessEnded(sleep(200))
    const serverIdleRssBytes = server.usage()?.rssBytes

    const own = new Latencies()
    const receivers = new Latencies()
    let sending = true
    for (const member of spread(crowd.members, settings.senders, 0)) {
      const index = senders.length
      const sender = new Sender(index, wire, settings.messageBytes, (frames) => member.socket.write(frames))
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

    for (const sender of senders) sender.send(settings.inFlight)
    const warmUntil = performance.now() + settings.warmUpSeconds * 1000
    while (performance.now() < warmUntil || senders.some(({ sent }) => sent === settings.inFlight)) {
      onProgress("warming up")
      await unlessEnded(sleep(50))
    }

    own.reset()
    receivers.reset()
    const before = snapshot(server, crowd)
    const until = before.time + settings.seconds * 1000
    for (let now = before.time; now < until; now = performance.now()) {
      const rate = (crowd.deliveries() - before.deliveries) / Math.max(1, now - before.time)
      onProgress(`measuring ${((now - before.time) / 1000).toFixed(1)}/${settings.seconds} s, ${Math.round(rate)}k/s`)
      await unlessEnded(sleep(Math.min(250, Math.max(1, until - now))))
    }
    const after = snapshot(server, crowd)
    const ownPercentiles = own.percentiles()
    const receiverPercentiles = receivers.percentiles()

    sending = false
    const sent = senders.reduce((sum, sender) => sum + sender.sent, 0)
    await server.unlessEnded(
      crowd.allReceived(sent, stallMs, (behind) => onProgress(`checking, ${behind} deliveries on their way`))
    )

    const seconds = (after.time - before.time) / 1000
    const deliveries = after.deliveries - before.deliveries
    const generatorCpuShare = (after.generatorCpu - before.generatorCpu) / seconds
    const serverCpuSeconds =
      before.server && after.server ? after.server.cpuSeconds - before.server.cpuSeconds : undefined
    return {
      seconds,
      deliveries,
      deliveriesPerSecond: deliveries / seconds,
      messagesPerSecond: (after.messages - before.messages) / seconds,
      own: ownPercentiles,
      receivers: receiverPercentiles,
      connectsPerSecond,
      serverCpuSeconds,
      serverRssBytes: after.server?.rssBytes,
      serverIdleRssBytes,
      generatorCpuShare,
      othersCpuShare:
        serverCpuSeconds === undefined
          ? undefined
          : Math.max(0, (after.machineCpu - before.machineCpu - serverCpuSeconds) / seconds - generatorCpuShare),
      checkedMessages: sent,
      checkedDeliveries: sent * crowd.members.length
    }
  } finally {
    crowd.close()
  }
}

/** `count` members, evenly over the room: whoever a server serves first or last is neither left out nor alone. */
const spread = (members: ReadonlyArray<Member>, count: number, shift: number): ReadonlyArray<Member> => {
  const some = Math.min(count, members.length)
  return Array.from(
    { length: some },
    (_, index) => members[Math.floor(((index + shift) * members.length) / some)]
  ).filter((member) => member !== undefined)
}

/** Calls with the room's messages that a member has newly received: the positions from `from` up to, not including, `to`. */
const onNewMessages = (
  member: Member,
  transcript: RoomTranscript,
  take: (from: number, to: number, now: number) => void
): void => {
  let from = transcript.received(member.reader)
  member.onProgress = (now) => {
    const to = transcript.received(member.reader)
    if (to === from) return
    take(from, to, now)
    from = to
  }
}

const snapshot = (server: RunningServer, crowd: Crowd) => {
  const { user, system } = process.cpuUsage()
  const machine = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  return {
    time: performance.now(),
    deliveries: crowd.deliveries(),
    messages: crowd.transcript.frames,
    server: server.usage(),
    generatorCpu: (user + system) / 1e6,
    machineCpu: machine / 1000
  }
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))
