import type { ClosedLoopResult } from "../load/ClosedLoop.ts"

/** One server's turn at one size of the room. */
export interface Turn extends ClosedLoopResult {
  readonly target: string
  readonly sockets: number
  /** 1, 2, 3 …: the turns of one number were run directly after each other. */
  readonly turn: number
  readonly startMs: number
}

/** Medians over the turns of one server at one size. Undefined where a turn did not measure it. */
export interface Row {
  readonly target: string
  readonly sockets: number
  readonly turns: number
  readonly deliveriesPerSecond: number
  readonly messagesPerSecond: number
  readonly ownP50: number | undefined
  readonly ownP99: number | undefined
  readonly receiversP50: number | undefined
  readonly receiversP99: number | undefined
  readonly rssBytes: number | undefined
  /** Of one core. */
  readonly serverCpuShare: number | undefined
  readonly deliveriesPerCpuSecond: number | undefined
  readonly generatorCpuShare: number
  readonly othersCpuShare: number | undefined
}

/** How many times the first server's deliveries/s are the second's. */
export interface Ratio {
  readonly target: string
  readonly peer: string
  readonly sockets: number
  /** Median against median. */
  readonly deliveries: number
  /** The least and the greatest ratio of turns with the same number. */
  readonly least: number
  readonly greatest: number
  /** Median deliveries per CPU-second of the server against the same: what other programs on the machine spoil least. */
  readonly perCpuSecond: number | undefined
}

export interface Summary {
  readonly rows: ReadonlyArray<Row>
  readonly ratios: ReadonlyArray<Ratio>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Rows in the order of the turns; ratios of `target` against everybody else. */
export const summarize = (turns: ReadonlyArray<Turn>, target: string): Summary => {
  const groups = Map.groupBy(turns, (turn) => `${turn.sockets} ${turn.target}`)
  const rows = [...groups.values()].map(rowOf).toSorted((a, b) => a.sockets - b.sockets)
  const ratios = rows.flatMap((row) => {
    const own = groups.get(`${row.sockets} ${target}`)
    const peer = groups.get(`${row.sockets} ${row.target}`)
    return row.target === target || own === undefined || peer === undefined ? [] : [ratioOf(own, peer)]
  })
  return { rows, ratios }
}

const rowOf = (turns: ReadonlyArray<Turn>): Row => {
  const over = (figure: (turn: Turn) => number | undefined): number | undefined => {
    const values = turns.map(figure)
    const known = values.filter((value) => value !== undefined)
    return known.length < values.length ? undefined : median(known)
  }
  return {
    target: turns[0]?.target ?? "",
    sockets: turns[0]?.sockets ?? 0,
    turns: turns.length,
    deliveriesPerSecond: median(turns.map((turn) => turn.deliveriesPerSecond)),
    messagesPerSecond: median(turns.map((turn) => turn.messagesPerSecond)),
    ownP50: over((turn) => turn.own.p50),
    ownP99: over((turn) => turn.own.p99),
    receiversP50: over((turn) => turn.receivers.p50),
    receiversP99: over((turn) => turn.receivers.p99),
    rssBytes: over((turn) => turn.serverRssBytes),
    serverCpuShare: over((turn) => turn.serverCpuSeconds && turn.serverCpuSeconds / turn.seconds),
    deliveriesPerCpuSecond: over((turn) => turn.serverCpuSeconds && turn.deliveries / turn.serverCpuSeconds),
    generatorCpuShare: median(turns.map((turn) => turn.generatorCpuShare)),
    othersCpuShare: over((turn) => turn.othersCpuShare)
  }
}

const ratioOf = (own: ReadonlyArray<Turn>, peer: ReadonlyArray<Turn>): Ratio => {
  const rate = (turn: Turn | undefined): number => turn?.deliveriesPerSecond ?? Number.NaN
  const perCpuSecond = (turns: ReadonlyArray<Turn>) => rowOf(turns).deliveriesPerCpuSecond
  const [ownPerCpu, peerPerCpu] = [perCpuSecond(own), perCpuSecond(peer)]
  const pairs = own.map((turn) => rate(turn) / rate(peer.find((other) => other.turn === turn.turn)))
  return {
    target: own[0]?.target ?? "",
    peer: peer[0]?.target ?? "",
    sockets: own[0]?.sockets ?? 0,
    deliveries: median(own.map(rate)) / median(peer.map(rate)),
    least: Math.min(...pairs),
    greatest: Math.max(...pairs),
    perCpuSecond: ownPerCpu && peerPerCpu && ownPerCpu / peerPerCpu
  }
}
