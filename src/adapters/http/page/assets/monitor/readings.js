// @ts-check
/**
 * The monitor's store: a fold over what happened on its line. Nothing in it knows a page, a clock or a network.
 *
 * @typedef {Readonly<Record<string, unknown>>} Reading What `/dashboard/stream` sends.
 * @typedef {{ readonly at: number, readonly reading: Reading | undefined }} Point `at` in milliseconds since 1970; a hole has no reading.
 *
 * @typedef {{ readonly type: "connecting" }
 *   | { readonly type: "reading", readonly at: number, readonly reading: Reading }
 *   | { readonly type: "stale" }
 *   | { readonly type: "lost", readonly why: string }
 *   | { readonly type: "paused", readonly by: "hidden" | "reader" }
 *   | { readonly type: "refused", readonly wrong: boolean }} Happened
 *
 * @typedef {object} State
 * @property {"connecting" | "live" | "stale" | "lost" | "paused" | "refused"} phase
 * @property {string} why in words, where the phase is "lost"
 * @property {"hidden" | "reader" | undefined} pausedBy
 * @property {boolean} wrong a token was shown, and is not valid
 * @property {readonly Point[]} points oldest first
 */

/** What is remembered: older readings go, and so do the oldest where more came than that. */
export const keptMillis = 5 * 60_000
export const keptPoints = 400

/** Readings come once a second. Where so long none came, the line has a hole. */
export const holeMillis = 3_500

/** @type {State} */
export const initial = { phase: "connecting", why: "", pausedBy: undefined, wrong: false, points: [] }

/** @param {readonly Point[]} points @param {Point} point */
const appended = (points, point) => {
  const before = points.at(-1)
  // A clock that was set back: what it said before is of another time.
  const known = before !== undefined && before.at > point.at ? [] : points
  const hole =
    known.length > 0 && before !== undefined && point.at - before.at > holeMillis
      ? [{ at: before.at + 1, reading: undefined }]
      : []
  return [...known, ...hole, point].filter(({ at }) => at >= point.at - keptMillis).slice(-keptPoints)
}

/**
 * @param {State} state
 * @param {Happened} happened
 * @returns {State}
 */
export const fold = (state, happened) => {
  /** @type {State} */
  const next = { ...state, why: "", pausedBy: undefined, wrong: false }
  switch (happened.type) {
    case "connecting":
      // Trying again is part of being lost: what is said of it does not come and go with every try.
      return state.phase === "lost" || state.phase === "stale" ? state : { ...next, phase: "connecting" }
    case "reading":
      return { ...next, phase: "live", points: appended(state.points, happened) }
    case "stale":
      return { ...next, phase: "stale" }
    case "lost":
      return { ...next, phase: "lost", why: happened.why }
    case "paused":
      return { ...next, phase: "paused", pausedBy: happened.by }
    default:
      // "refused": who may not see the monitor any more does not see what it said.
      return { ...next, phase: "refused", wrong: happened.wrong, points: [] }
  }
}

/**
 * The figure at a path of a reading, "parley.commit_ms.p99"; `null` where there is none.
 *
 * @param {unknown} reading
 * @param {string} path
 * @returns {number | null}
 */
export const figureAt = (reading, path) => {
  /** @type {unknown} */
  let value = reading
  for (const member of path.split(".")) {
    if (typeof value !== "object" || value === null) return null
    value = Reflect.get(value, member)
  }
  return typeof value === "number" && Number.isFinite(value) ? value : null
}

/** @param {State} state the newest reading, if there is one */
export const newest = (state) => state.points.findLast(({ reading }) => reading !== undefined)

/**
 * What a chart draws: seconds since 1970, then each line's figures; `null` in a hole.
 *
 * @param {State} state
 * @param {readonly string[]} paths
 */
export const columns = (state, paths) => [
  state.points.map(({ at }) => at / 1000),
  ...paths.map((path) => state.points.map(({ reading }) => figureAt(reading, path)))
]

/**
 * @param {State} state
 * @param {string} path
 * @returns {{ now: number, lowest: number, mean: number, highest: number } | undefined} `undefined` before the first reading
 */
export const summary = (state, path) => {
  const figures = state.points.map(({ reading }) => figureAt(reading, path)).filter((figure) => figure !== null)
  const now = figures.at(-1)
  if (now === undefined) return undefined
  return {
    now,
    lowest: Math.min(...figures),
    mean: figures.reduce((sum, figure) => sum + figure, 0) / figures.length,
    highest: Math.max(...figures)
  }
}

/**
 * Readings some time apart, newest first: for reading, where every second would be too much.
 *
 * @param {State} state
 * @param {number} everyMillis
 * @param {number} atMost
 */
export const sparse = (state, everyMillis, atMost) => {
  /** @type {Point[]} */
  const kept = []
  for (const point of state.points.toReversed()) {
    if (kept.length === atMost) break
    const last = kept.at(-1)
    if (point.reading !== undefined && (last === undefined || last.at - point.at >= everyMillis - 500)) kept.push(point)
  }
  return kept
}

/** @param {unknown} reading @returns {{ room: string, sockets: number, messages: number }[]} */
const roomsOf = (reading) => {
  const parley = typeof reading === "object" && reading !== null ? Reflect.get(reading, "parley") : undefined
  const rooms = typeof parley === "object" && parley !== null ? Reflect.get(parley, "top_rooms") : undefined
  return Array.isArray(rooms) ? rooms : []
}

/**
 * The rooms with most sockets now, with their messages a second over the last ten readings.
 *
 * @param {State} state
 * @returns {{ room: string, sockets: number, messages: number, rate: number | undefined }[]}
 */
export const topRooms = (state) => {
  const told = state.points.filter(({ reading }) => reading !== undefined)
  const last = told.at(-1)
  if (last === undefined) return []
  return roomsOf(last.reading).map(({ messages, room, sockets }) => {
    for (const { at, reading } of told.slice(-11, -1)) {
      const before = roomsOf(reading).find((other) => other.room === room)
      // A server that was started again counts from nothing.
      if (before === undefined || before.messages > messages) continue
      return { room, sockets, messages, rate: ((messages - before.messages) * 1000) / (last.at - at) }
    }
    return { room, sockets, messages, rate: undefined }
  })
}

/**
 * Why the server is not ready, in its words.
 *
 * @param {State} state
 * @returns {string[]}
 */
export const problems = (state) => {
  const parley = newest(state)?.reading?.["parley"]
  const found = typeof parley === "object" && parley !== null ? Reflect.get(parley, "problems") : undefined
  return Array.isArray(found) ? found.map(({ check, problem }) => `${check}: ${problem}`) : []
}
