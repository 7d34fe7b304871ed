import { describe, expect, it } from "@effect/vitest"
import {
  columns,
  fold,
  holeMillis,
  initial,
  keptMillis,
  keptPoints,
  newest,
  problems,
  sparse,
  summary,
  topRooms
} from "../../../../../src/adapters/http/page/assets/monitor/readings.js"
import { statusOf } from "../../../../../src/adapters/http/page/assets/monitor/status.js"

type State = typeof initial

const rate = "parley.messages_per_s"

const reading = (messages_per_s: number, parley: object = {}) => ({ parley: { messages_per_s, ...parley } })

const read = (state: State, at: number, value: number, parley: object = {}) =>
  fold(state, { type: "reading", at, reading: reading(value, parley) })

/** One reading a second, with its number as the figure. */
const many = (count: number): State =>
  Array.from({ length: count }, (_, second) => second).reduce(
    (state, second) => read(state, second * 1000, second),
    initial
  )

describe("the monitor's store", () => {
  it("keeps the last minutes and forgets what is older", () => {
    const state = many(1000)
    expect(state.points.at(-1)?.at).toBe(999_000)
    expect(state.points[0]?.at).toBe(999_000 - keptMillis)
    expect(state.points).toHaveLength(keptMillis / 1000 + 1)
  })

  it("keeps so many readings and no more, however fast they come", () => {
    const state = Array.from({ length: 3 * keptPoints }, (_, at) => at).reduce(
      (state, at) => read(state, at, at),
      initial
    )
    expect(state.points).toHaveLength(keptPoints)
    expect(columns(state, [rate])[1]?.at(0)).toBe(2 * keptPoints)
  })

  it("has columns as a chart wants them: seconds, then each line's figures, with nothing where a figure is missing", () => {
    const state = read(read(initial, 1000, 3, { commit_ms: { p99: 1.5 } }), 2000, 4)
    expect(columns(state, [rate, "parley.commit_ms.p99"])).toEqual([
      [1, 2],
      [3, 4],
      [1.5, null]
    ])
  })

  it("draws no line over a time in which nobody listened", () => {
    const paused = fold(read(initial, 1000, 3), { type: "paused", by: "hidden" })
    const state = read(paused, 1000 + holeMillis + 1, 5)
    expect(columns(state, [rate])[1]).toEqual([3, null, 5])
    expect(columns(read(read(initial, 1000, 3), 1000 + holeMillis, 5), [rate])[1]).toEqual([3, 5])
  })

  it("begins anew where the clock was set back", () => {
    expect(columns(read(read(initial, 9000, 3), 1000, 5), [rate])).toEqual([[1], [5]])
  })

  it("sums up a figure: now, lowest, mean, highest; nothing before the first reading", () => {
    expect(summary(initial, rate)).toBeUndefined()
    expect(summary(many(5), rate)).toEqual({ now: 4, lowest: 0, mean: 2, highest: 4 })
    expect(summary(many(5), "parley.no_such")).toBeUndefined()
  })

  it("gives readings some seconds apart, the newest first", () => {
    expect(sparse(many(60), 10_000, 3).map(({ at }) => at)).toEqual([59_000, 49_000, 39_000])
    expect(sparse(initial, 10_000, 3)).toEqual([])
  })

  it("knows each busy room's messages a second, not over a server's restart", () => {
    const room = (messages: number) => ({ top_rooms: [{ room: "lobby", sockets: 2, messages }] })
    expect(topRooms(initial)).toEqual([])
    const first = read(initial, 1000, 0, room(10))
    expect(topRooms(first)).toEqual([{ room: "lobby", sockets: 2, messages: 10, rate: undefined }])
    expect(topRooms(read(first, 3000, 0, room(30)))).toMatchObject([{ rate: 10 }])
    expect(topRooms(read(first, 3000, 0, room(4)))).toMatchObject([{ rate: undefined }])
  })

  it("stays lost while it tries again, with its figures, until a reading comes", () => {
    const lost = fold(read(initial, 1000, 3), { type: "lost", why: "The server does not answer." })
    const trying = fold(lost, { type: "connecting" })
    expect(trying.phase).toBe("lost")
    expect(statusOf(trying)).toMatchObject({ word: "Disconnected", sentence: expect.stringContaining("last figures") })
    expect(statusOf(fold(initial, { type: "lost", why: "x." })).sentence).not.toContain("last figures")
    expect(read(trying, 2000, 4)).toMatchObject({ phase: "live", why: "" })
  })

  it("forgets every figure when the server refuses to show them", () => {
    const refused = fold(read(initial, 1000, 3), { type: "refused", wrong: true })
    expect(refused).toMatchObject({ phase: "refused", wrong: true, points: [] })
    expect(newest(refused)).toBeUndefined()
  })

  it("says how the line stands", () => {
    const live = read(initial, 1000, 3)
    expect(statusOf(initial).word).toBe("Connecting…")
    expect(statusOf(live).word).toBe("Live")
    expect(statusOf(fold(live, { type: "stale" })).word).toBe("No news")
    expect(statusOf(fold(live, { type: "paused", by: "hidden" })).word).toBe("Paused while hidden")
    expect(statusOf(fold(live, { type: "paused", by: "reader" })).word).toBe("Paused")
    const sick = read(live, 2000, 3, { problems: [{ check: "journal", problem: "the disk is full" }] })
    expect(problems(sick)).toEqual(["journal: the disk is full"])
    expect(statusOf(sick)).toMatchObject({ word: "Not ready", tone: "wrong" })
  })
})
