import { ManyRooms } from "../load/ManyRooms.ts"
import type { ManyRoomsResult } from "../load/ManyRooms.ts"
import { costCells, costColumns, costNotes } from "../report/Cost.ts"
import { figure, thousands } from "../report/Format.ts"
import { medianOf, ratioOf } from "../report/Median.ts"
import type { Section } from "../report/Section.ts"
import { judge } from "../report/Verdict.ts"
import { freshRoom } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import type { Target } from "../Target.ts"
import { plainWsRooms } from "../targets/PlainWs.ts"
import { socketIoRooms } from "../targets/SocketIo.ts"

export interface RoomsTurn {
  readonly target: string
  readonly round: number
  readonly phases: ReadonlyArray<ManyRoomsResult>
}

interface PhaseTurn extends ManyRoomsResult {
  readonly round: number
}

const load = { rooms: 200, socketsARoom: 5, messageBytes: 150 }
const bounds: ReadonlyArray<readonly [inFlight: number, least: number]> = [
  [1, 0.8],
  [4, 1.5],
  [16, 2.5]
]

const roomsSection = (turns: ReadonlyArray<RoomsTurn>, targets: ReadonlyArray<Target>, seconds: number): Section => {
  const at = (target: string, inFlight: number): ReadonlyArray<PhaseTurn> =>
    turns
      .filter((turn) => turn.target === target)
      .flatMap(({ phases, round }) =>
        phases.filter((phase) => phase.inFlight === inFlight).map((phase) => ({ ...phase, round }))
      )
  const groups = bounds
    .flatMap(([inFlight]) => targets.map((target) => ({ inFlight, target, turns: at(target.name, inFlight) })))
    .filter((group) => group.turns.length > 0)
  return {
    scenario: "rooms",
    title: `Many rooms: ${thousands(load.rooms * load.socketsARoom)} sockets in ${load.rooms} rooms`,
    method:
      `One sender a room, in a closed loop, ${load.messageBytes}-byte messages. Medians of alternating turns of ${seconds} s; latency from the send to the sender's own copy. ` +
      `Parley commits every message first.`,
    columns: ["server", "in flight", "turns", "messages/s", "deliveries/s", "p50 ms", "p99 ms", ...costColumns],
    rows: groups.map(({ inFlight, target, turns }) => [
      target.label,
      String(inFlight),
      String(turns.length),
      thousands(medianOf(turns, (turn) => turn.messagesPerSecond)),
      thousands(medianOf(turns, (turn) => turn.deliveriesPerSecond)),
      figure(medianOf(turns, (turn) => turn.own.p50)),
      figure(medianOf(turns, (turn) => turn.own.p99)),
      ...costCells(turns)
    ]),
    verdicts: bounds.flatMap(([inFlight, least]) => {
      const ratio = ratioOf(at("parley", inFlight), at(plainWsRooms.name, inFlight), (turn) => turn.messagesPerSecond)
      return judge(
        `${inFlight} in flight, Parley's messages/s against ${plainWsRooms.label} with rooms`,
        ratio?.value,
        "×",
        { least },
        ratio?.range
      )
    }),
    notes: costNotes(groups.map((group) => group.turns)),
    checkedDeliveries: turns.reduce((sum, turn) => sum + (turn.phases.at(-1)?.checkedDeliveries ?? 0), 0),
    points: groups.map(({ inFlight, target, turns }) => ({
      target: target.label,
      x: inFlight,
      y: medianOf(turns, (turn) => turn.messagesPerSecond) ?? 0
    })),
    turns
  }
}

export const rooms: Scenario = {
  name: "rooms",
  about: "messages/s over 200 rooms of five, one sender each with 1, 4 and 16 in flight",
  sockets: () => load.rooms * load.socketsARoom,
  run: async (bench) => {
    const { quick, warmUpSeconds } = bench.options
    const seconds = quick ? bench.options.seconds / 2 : bench.options.seconds
    const targets = bench.chosen(quick ? [bench.parley, plainWsRooms] : [bench.parley, plainWsRooms, socketIoRooms])
    const sectionOf = (turns: ReadonlyArray<RoomsTurn>) => roomsSection(turns, targets, seconds)
    const run = (target: Target, round: number) =>
      bench.withServer(
        target,
        `rooms, turn ${round}`,
        async (server, say): Promise<RoomsTurn> => {
          const rooms = await ManyRooms.connect(server, target.wire, { ...load, room: freshRoom() }, say)
          try {
            const phases: Array<ManyRoomsResult> = []
            for (const [inFlight] of bounds) {
              const phase = { inFlight, warmUpSeconds, seconds }
              phases.push(await rooms.run(phase, (what) => say(`${inFlight} in flight: ${what}`)))
            }
            return { target: target.name, round, phases }
          } finally {
            rooms.close()
          }
        },
        ({ phases }) =>
          phases
            .map(
              ({ inFlight, messagesPerSecond }) => `${inFlight} in flight ${thousands(messagesPerSecond)} messages/s`
            )
            .join("; ")
      )
    return sectionOf(await bench.turns(targets, run, sectionOf))
  }
}
