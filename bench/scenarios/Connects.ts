import { Crowd } from "../load/Crowd.ts"
import { Meter } from "../load/Meter.ts"
import type { Usage } from "../load/Meter.ts"
import { RoomTranscript } from "../load/RoomTranscript.ts"
import { Sender } from "../load/Sender.ts"
import { sleep } from "../load/sleep.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { thousands } from "../report/Format.ts"
import { median, medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import type { ServerProcess } from "../server/ServerProcess.ts"
import type { Target } from "../Target.ts"
import { plainWs } from "../targets/PlainWs.ts"
import { socketIo } from "../targets/SocketIo.ts"

/** One burst of connects. */
interface Burst extends Usage {
  readonly connectsPerSecond: number
}

export interface ConnectsTurn extends Usage {
  readonly target: string
  readonly round: number
  /** The median of the turn's bursts, as is the usage. */
  readonly connectsPerSecond: number
  readonly connectsPerCpuSecond: number | undefined
  readonly bursts: number
  readonly sockets: number
}

const full = { sockets: 2000, warmUps: 2, bursts: 3 }
const quickly = { sockets: 1000, warmUps: 1, bursts: 1 }
const stallMs = 10_000
/** Between bursts: the server clears away the sockets of the last. */
const pauseMs = 300

const connectsSection = (
  turns: ReadonlyArray<ConnectsTurn>,
  targets: ReadonlyArray<Target>,
  { bursts, sockets, warmUps }: typeof full
): Section => {
  const groups = targets
    .map((target) => ({ target, turns: turns.filter((turn) => turn.target === target.name) }))
    .filter((group) => group.turns.length > 0)
  const of = (target: string) => turns.filter((turn) => turn.target === target)
  const ratio = ratioOf(of("parley"), of(plainWs.name), (turn) => turn.connectsPerSecond)
  return {
    scenario: "connects",
    title: "Connects",
    method:
      `Bursts of ${thousands(sockets)} sockets into one room, 64 in their handshake at once: from the first to the last upgrade. ` +
      `A turn's figure is the median of its ${bursts} bursts, after ${warmUps} that are not counted; medians of alternating turns. A message after each burst must reach every socket.`,
    columns: ["server", "turns", "connects/s", "connects/CPU-s", ...costColumns],
    rows: groups.map(({ target, turns }) => [
      target.label,
      String(turns.length),
      thousands(medianOf(turns, (turn) => turn.connectsPerSecond)),
      thousands(medianOf(turns, (turn) => turn.connectsPerCpuSecond)),
      ...costCells(turns)
    ]),
    verdicts: judge(`Parley's connects/s against ${plainWs.label}`, ratio?.value, "×", { least: 0.8 }, ratio?.range),
    notes: costNotes(groups.map((group) => group.turns)),
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.sockets * turn.bursts, 0),
    points: [],
    turns
  }
}

export const connects: Scenario = {
  name: "connects",
  about: "connects/s",
  sockets: ({ quick }) => (quick ? quickly : full).sockets,
  run: async (bench) => {
    const { quick } = bench.options
    const settings = quick ? quickly : full
    const targets = bench.chosen(quick ? [bench.parley, plainWs] : [bench.parley, plainWs, socketIo])
    const sectionOf = (turns: ReadonlyArray<ConnectsTurn>) => connectsSection(turns, targets, settings)
    const run = (target: Target, round: number) =>
      bench.withServer(
        target,
        `connects, turn ${round}`,
        async (server, say): Promise<ConnectsTurn> => {
          const bursts: Array<Burst> = []
          for (let index = 0; index < settings.warmUps + settings.bursts; index++) {
            say(`burst ${index + 1}`)
            const measured = await burst(server, target, settings.sockets)
            if (index >= settings.warmUps) bursts.push(measured)
          }
          return { target: target.name, round, sockets: settings.sockets, ...summary(bursts, settings.sockets) }
        },
        (turn) => `${thousands(turn.connectsPerSecond)} connects/s`
      )
    return sectionOf(await bench.turns(targets, run, sectionOf))
  }
}

const summary = (bursts: ReadonlyArray<Burst>, sockets: number) => ({
  bursts: bursts.length,
  connectsPerSecond: median(bursts.map((burst) => burst.connectsPerSecond)),
  connectsPerCpuSecond: medianOf(bursts, (burst) => burst.serverCpuSeconds && sockets / burst.serverCpuSeconds),
  seconds: median(bursts.map((burst) => burst.seconds)),
  serverCpuSeconds: medianOf(bursts, (burst) => burst.serverCpuSeconds),
  serverRssBytes: medianOf(bursts, (burst) => burst.serverRssBytes),
  generatorCpuShare: median(bursts.map((burst) => burst.generatorCpuShare)),
  othersCpuShare: medianOf(bursts, (burst) => burst.othersCpuShare)
})

const burst = async (server: ServerProcess, { wire }: Target, sockets: number): Promise<Burst> => {
  const room = freshRoom()
  let sender: Sender | undefined
  const transcript = new RoomTranscript({
    wire,
    room,
    streamBytes: 1 << 16,
    streamFrames: 16,
    sentAt: (_, count) => sender?.sentAt(count)
  })
  const meter = new Meter(server)
  const crowd = await server.unlessEnded(
    Crowd.connect({ port: server.socketPort, wire, room, sockets, transcript, onConnected: () => {} })
  )
  const usage = meter.usage()
  try {
    sender = new Sender(0, wire, room, 150, (frames) => crowd.members[0]?.socket.write(frames))
    sender.send(1)
    await server.unlessEnded(crowd.allReceived(1, stallMs, () => {}))
  } finally {
    crowd.close()
  }
  await server.unlessEnded(sleep(pauseMs))
  return { ...usage, connectsPerSecond: sockets / usage.seconds }
}
