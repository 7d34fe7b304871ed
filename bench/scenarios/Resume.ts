import { join } from "node:path"
import { BenchFault } from "../BenchFault.ts"
import { runFixture, withDirectory } from "../Fixture.ts"
import { Crowd } from "../load/Crowd.ts"
import { RoomTranscript } from "../load/RoomTranscript.ts"
import { Sender } from "../load/Sender.ts"
import { figure, megabytes, thousands } from "../report/Format.ts"
import { medianOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import type { Scenario } from "../Scenario.ts"
import type { ServerProcess } from "../server/ServerProcess.ts"
import type { Target } from "../Target.ts"
import { dataDirectory } from "../targets/Parley.ts"

interface ResumeTurn {
  readonly round: number
  readonly sockets: number
  /** From the first connect: when the last socket was in, had all it missed, and had the live message, too. */
  readonly connectedSeconds: number
  readonly caughtUpSeconds: number
  readonly liveSeconds: number
  readonly rssBefore: number | undefined
  readonly rssAfter: number | undefined
  /** Of the server, while all this went on; undefined where it does not tell. */
  readonly longestLagSeconds: number | undefined
  readonly checkedDeliveries: number
}

interface Size {
  readonly sockets: number
  /** What the room has, and how much of it each socket missed. */
  readonly messages: number
  readonly missed: number
}

const full: Size = { sockets: 1_000, messages: 2_000, missed: 1_000 }
const quickly: Size = { sockets: 200, messages: 2_000, missed: 1_000 }
const room = "bench"
const messageBytes = 150
const stallMs = 10_000

const resumeSection = (turns: ReadonlyArray<ResumeTurn>, size: Size): Section => {
  const live = turns.map(({ liveSeconds }) => liveSeconds)
  return {
    scenario: "resume",
    title: `Resume: ${thousands(size.sockets)} sockets at once, ${thousands(size.missed)} messages each`,
    method:
      `A server started anew on a room of ${thousands(size.messages)} messages of ${messageBytes} bytes; all sockets connect at once and ask for what came after the position ` +
      `${thousands(size.missed)} before the head. Seconds from the first connect until the last socket has all of it, and one message that was sent then. ` +
      `The server's RSS before the first socket and after the last message; its longest lag of timers meanwhile, as /metrics says it.`,
    columns: [
      "sockets",
      "turns",
      "connected s",
      "caught up s",
      "live s",
      "RSS MB before",
      "RSS MB after",
      "lag max ms"
    ],
    rows: [
      [
        thousands(size.sockets),
        String(turns.length),
        figure(medianOf(turns, (turn) => turn.connectedSeconds)),
        figure(medianOf(turns, (turn) => turn.caughtUpSeconds)),
        figure(medianOf(turns, (turn) => turn.liveSeconds)),
        megabytes(medianOf(turns, (turn) => turn.rssBefore)),
        megabytes(medianOf(turns, (turn) => turn.rssAfter)),
        figure(
          medianOf(turns, ({ longestLagSeconds }) =>
            longestLagSeconds === undefined ? undefined : longestLagSeconds * 1000
          )
        )
      ]
    ],
    verdicts: judge(
      `Until the last of ${thousands(size.sockets)} is live`,
      medianOf(turns, (turn) => turn.liveSeconds),
      "s",
      { most: 10 },
      [Math.min(...live), Math.max(...live)]
    ),
    notes: [],
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0),
    points: [],
    turns
  }
}

export const resume: Scenario = {
  name: "resume",
  about: "1,000 sockets at once that missed 1,000 messages each, after a restart",
  sockets: ({ quick }) => (quick ? quickly : full).sockets,
  run: (bench) => {
    if (!bench.journal.embedded) {
      throw new BenchFault(`resume: the journal is filled beforehand, which is not done for ${bench.journal.label}.`)
    }
    return withDirectory(async (directory) => {
      const size = bench.options.quick ? quickly : full
      const run = (_: Target, round: number) => {
        // A turn adds a message to its room: each has a journal of its own.
        const own = join(directory, String(round))
        bench.say(`resume: filling a journal with ${size.messages} messages`)
        runFixture("messages.ts", dataDirectory(own), room, String(size.messages))
        return bench.withServer(
          bench.parley,
          `resume, ${size.sockets} sockets, turn ${round}`,
          (server, say) => server.unlessEnded(measure(server, bench.parley, round, size, say)),
          (turn) => `the last is live after ${figure(turn.liveSeconds)} s`,
          { directory: own }
        )
      }
      const sectionOf = (turns: ReadonlyArray<ResumeTurn>) => resumeSection(turns, size)
      return sectionOf(await bench.turns([bench.parley], run, sectionOf))
    })
  }
}

const measure = async (
  server: ServerProcess,
  { wire }: Target,
  round: number,
  { messages, missed, sockets }: Size,
  say: (what: string) => void
): Promise<ResumeTurn> => {
  const since = messages - missed
  let live: Sender | undefined
  const transcript = new RoomTranscript({
    wire,
    room,
    after: { position: since, counts: [since] },
    streamBytes: 1 << 22,
    streamFrames: 1 << 12,
    // What was missed was sent before anybody measured.
    sentAt: (sender, count) => (sender === 0 ? 0 : live?.sentAt(count))
  })
  // Each reading tells the lag since the one before.
  await longestLag(server)
  const rssBefore = server.usage()?.rssBytes
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const crowd = await Crowd.connect({
    port: server.socketPort,
    wire: { ...wire, path: (name) => `${wire.path(name)}&since=${since}` },
    room,
    sockets,
    transcript,
    atOnce: sockets,
    onConnected: (connected) => say(`connecting ${connected}/${sockets}`)
  })
  try {
    const connectedSeconds = seconds()
    await crowd.allReceived(missed, stallMs, (behind) => say(`${behind} deliveries to come`))
    const caughtUpSeconds = seconds()
    const [member] = crowd.members
    live = new Sender(1, wire, room, messageBytes, (frames) => member?.socket.write(frames))
    live.send(1)
    await crowd.allReceived(missed + 1, stallMs, () => {})
    const liveSeconds = seconds()
    const rssAfter = server.usage()?.rssBytes
    return {
      round,
      sockets,
      connectedSeconds,
      caughtUpSeconds,
      liveSeconds,
      rssBefore,
      rssAfter,
      longestLagSeconds: await longestLag(server),
      checkedDeliveries: crowd.deliveries()
    }
  } finally {
    crowd.close()
  }
}

const longestLag = async (server: ServerProcess): Promise<number | undefined> => {
  const response = await fetch(new URL("/metrics", server.readyUrl))
  const seconds = /^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(await response.text())?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
