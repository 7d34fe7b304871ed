import { Crowd } from "../load/Crowd.ts"
import { RoomTranscript } from "../load/RoomTranscript.ts"
import { Sender } from "../load/Sender.ts"
import { sleep } from "../load/sleep.ts"
import { runFixture, withDirectory } from "../Fixture.ts"
import { figure, megabytes, thousands } from "../report/Format.ts"
import { medianOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import type { ServerProcess } from "../server/ServerProcess.ts"
import type { Target } from "../Target.ts"
import { dataDirectory, signingSecret } from "../targets/Parley.ts"
import { plainWs } from "../targets/PlainWs.ts"
import { socketIo } from "../targets/SocketIo.ts"

export interface IdleTurn {
  readonly target: string
  readonly round: number
  readonly sockets: number
  readonly emptyRssBytes: number | undefined
  readonly rssBytes: number | undefined
  /** V8's heap in use, where the server tells. */
  readonly emptyHeapBytes: number | undefined
  readonly heapBytes: number | undefined
}

const full = { sockets: 8000, accounts: 8000, settleSeconds: 25 }
const quickly = { sockets: 2000, accounts: 50, settleSeconds: 2 }
/** Come and gone before the first reading, so that what a first socket loads is not counted. */
const before = 50
const stallMs = 10_000

const perSocket = (turn: IdleTurn, after: number | undefined, empty: number | undefined): number | undefined =>
  after === undefined || empty === undefined ? undefined : (after - empty) / turn.sockets / 1000
const rssPerSocket = (turn: IdleTurn) => perSocket(turn, turn.rssBytes, turn.emptyRssBytes)
const heapPerSocket = (turn: IdleTurn) => perSocket(turn, turn.heapBytes, turn.emptyHeapBytes)

const idleSection = (
  turns: ReadonlyArray<IdleTurn>,
  targets: ReadonlyArray<Target>,
  { accounts, settleSeconds, sockets }: typeof full
): Section => {
  const of = (target: string) => turns.filter((turn) => turn.target === target)
  const own = of("parley")
  const pairs = own.map(rssPerSocket).filter((value) => value !== undefined)
  return {
    scenario: "idle",
    title: `Idle memory: ${thousands(sockets)} sockets in one room`,
    method:
      `RSS of the server process with all sockets connected, ${settleSeconds} s after the last, less its RSS before the first, a socket. ` +
      `Parley's are logged in (${thousands(accounts)} accounts and sessions, access tokens in a header) and its heartbeat runs (every 20 s); the peers know no users. ` +
      `No garbage is collected by hand. A message at the end must reach every socket.`,
    columns: ["server", "turns", "KB a socket", "heap KB a socket", "RSS MB empty", "RSS MB"],
    rows: targets
      .map((target) => ({ target, turns: of(target.name) }))
      .filter((group) => group.turns.length > 0)
      .map(({ target, turns }) => [
        target.label,
        String(turns.length),
        figure(medianOf(turns, rssPerSocket)),
        figure(medianOf(turns, heapPerSocket)),
        megabytes(medianOf(turns, (turn) => turn.emptyRssBytes)),
        megabytes(medianOf(turns, (turn) => turn.rssBytes))
      ]),
    verdicts: judge(
      `Parley's RSS a socket at ${thousands(sockets)}, logged in`,
      medianOf(own, rssPerSocket),
      "KB",
      { most: 10 },
      [Math.min(...pairs), Math.max(...pairs)]
    ),
    notes: [],
    checkedDeliveries: turns.reduce((sum, turn) => sum + turn.sockets, 0),
    points: [],
    turns
  }
}

export const idle: Scenario = {
  name: "idle",
  about: "memory a socket of 8,000 that are logged in and say nothing",
  sockets: ({ quick }) => (quick ? quickly : full).sockets,
  run: (bench) =>
    withDirectory(async (directory) => {
      const { quick } = bench.options
      const settings = quick ? quickly : full
      bench.say(`idle: making ${settings.accounts} logins`)
      const tokens = bench.journal.embedded ? logins(directory, settings.accounts) : []
      const targets = bench.chosen(quick ? [bench.parley] : [bench.parley, plainWs, socketIo])
      const sectionOf = (turns: ReadonlyArray<IdleTurn>) => {
        const section = idleSection(turns, targets, settings)
        return bench.journal.embedded
          ? section
          : { ...section, notes: [...section.notes, `${bench.journal.label}: Parley's sockets are guests here.`] }
      }
      const run = (target: Target, round: number) =>
        bench.withServer(
          target,
          `idle, ${settings.sockets} sockets, turn ${round}`,
          (server, say) => measure(server, target, round, settings, target === bench.parley ? tokens : [], say),
          (turn) => `${figure(rssPerSocket(turn))} KB a socket`,
          target === bench.parley ? { directory } : {}
        )
      return sectionOf(await bench.turns(targets, run, sectionOf))
    })
}

const logins = (directory: string, accounts: number): ReadonlyArray<string> =>
  runFixture("logins.ts", dataDirectory(directory), signingSecret, String(accounts)).trim().split("\n")

const measure = async (
  server: ServerProcess,
  target: Target,
  round: number,
  settings: typeof full,
  tokens: ReadonlyArray<string>,
  say: (what: string) => void
): Promise<IdleTurn> => {
  const connect = (sockets: number) => {
    const room = freshRoom()
    const transcript = new RoomTranscript({
      wire: target.wire,
      room,
      streamBytes: 1 << 16,
      streamFrames: 16,
      sentAt: (_, count) => sender?.sentAt(count)
    })
    let sender: Sender | undefined
    return server.unlessEnded(
      Crowd.connect({
        port: server.socketPort,
        wire: target.wire,
        room,
        sockets,
        transcript,
        token: (index) => tokens[index % tokens.length],
        onConnected: (connected) => say(`connecting ${connected}/${sockets}`)
      }).then((crowd) => ({
        crowd,
        /** One message, which must come to all. */
        speak: async () => {
          const [member] = crowd.members
          // Whoever is logged in speaks under his account's name.
          const index = (member?.index ?? 0) % settings.accounts
          sender = new Sender(index, target.wire, room, 150, (frames) => member?.socket.write(frames))
          sender.send(1)
          await server.unlessEnded(crowd.allReceived(1, stallMs, () => {}))
        }
      }))
    )
  }
  const first = await connect(Math.min(before, settings.sockets))
  first.crowd.close()
  await server.unlessEnded(sleep(1000))
  const emptyRssBytes = server.usage()?.rssBytes
  const emptyHeapBytes = await heapOf(server, target)
  const { crowd, speak } = await connect(settings.sockets)
  try {
    for (let left = settings.settleSeconds; left > 0; left--) {
      say(`settling, ${left} s`)
      await server.unlessEnded(crowd.unlessFault(sleep(1000)))
    }
    const rssBytes = server.usage()?.rssBytes
    const heapBytes = await heapOf(server, target)
    await speak()
    const { sockets } = settings
    return { target: target.name, round, sockets, emptyRssBytes, rssBytes, emptyHeapBytes, heapBytes }
  } finally {
    crowd.close()
  }
}

const heapOf = async (server: ServerProcess, target: Target): Promise<number | undefined> => {
  if (target.name !== "parley") return undefined
  const response = await server.unlessEnded(fetch(new URL("/metrics", server.readyUrl)))
  const bytes = /^nodejs_heap_size_used_bytes (\S+)/m.exec(await response.text())?.[1]
  return bytes === undefined ? undefined : Number(bytes)
}
