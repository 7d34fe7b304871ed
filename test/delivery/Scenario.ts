import { Random } from "./Random.ts"

export interface ScenarioOptions {
  readonly seed: number
  readonly seconds: number
  readonly clients: number
  readonly rooms: number
  /** How often the server is ended by force while everybody talks. */
  readonly kills: number
}

/** One end of the server. */
export interface ServerEnd {
  /** From the moment when it was ready. */
  readonly afterMillis: number
  readonly signal: "SIGKILL" | "SIGTERM"
  /** It is killed once more, so many milliseconds after it was started again. */
  readonly againAfterMillis: number | undefined
  readonly downMillis: number
}

/** How clients behave; drawn once a seed, so that seeds differ in kind and not in detail alone. */
export interface Habits {
  /** Mean time between two things that a client does, milliseconds. */
  readonly paceMillis: number
  /** Things that a client does on one socket, at most. */
  readonly stay: number
  /** What it does next: say something, say it again, say it on two sockets at once, stop reading for a while, nothing. */
  readonly doing: Readonly<Record<"say" | "repeat" | "race" | "stall" | "nothing", number>>
  /** How it leaves. */
  readonly leaving: Readonly<Record<"close" | "terminate" | "halfClose" | "abandon", number>>
  /** Where it comes back to: its last position, one before it, the beginning, or `?history=`. */
  readonly resuming: Readonly<Record<"last" | "earlier" | "beginning" | "history", number>>
  /** How many of its messages have an id. */
  readonly withId: number
  /** How many of its messages are of some KiB. */
  readonly large: number
  readonly stallMillis: number
  /** How many of those who ask for much read none of it for a while. */
  readonly stallFirst: number
}

export interface Scenario {
  readonly options: ScenarioOptions
  readonly habits: Habits
  readonly ends: ReadonlyArray<ServerEnd>
  /** For everybody who acts: each forks one of his own. */
  readonly random: Random
}

/** The same options give the same scenario: who does what and when the server dies. How threads and packets interleave is the machine's. */
export const scenario = (options: ScenarioOptions): Scenario => {
  const random = new Random(options.seed)
  return { options, habits: habits(random.fork()), ends: ends(random.fork(), options), random: random.fork() }
}

const habits = (random: Random): Habits => ({
  paceMillis: random.between(8, 40),
  stay: random.pick([20, 60, 200]) ?? 60,
  doing: {
    say: 10,
    repeat: random.between(1, 4),
    race: random.between(1, 3),
    stall: random.next() * 0.3,
    nothing: random.between(0, 5)
  },
  leaving: { close: 3, terminate: 3, halfClose: 1, abandon: 1 },
  resuming: { last: 16, earlier: 3, beginning: 0.5, history: 2 },
  withId: random.pick([0.3, 0.7, 1]) ?? 1,
  large: random.pick([0, 0.01, 0.05, 0.3]) ?? 0,
  stallMillis: random.between(200, 3_000),
  stallFirst: 0.5
})

/** What a server has of its share of the time before it is ended; the rest is for its start. */
const lived = 0.6

const ends = (random: Random, { kills, seconds }: ScenarioOptions): ReadonlyArray<ServerEnd> => {
  const planned: Array<ServerEnd> = []
  const share = (seconds * 1000) / (kills + 1)
  // A kill while it starts again counts as one.
  for (let killed = 0; killed < kills;) {
    const again = killed + 2 <= kills && random.chance(0.1)
    // One in ten comes on top, and asks politely.
    const signal = random.chance(0.1) ? "SIGTERM" : "SIGKILL"
    planned.push({
      afterMillis: share * lived * (0.5 + random.next()),
      signal,
      againAfterMillis: again ? random.between(0, 600) : undefined,
      downMillis: random.chance(0.5) ? 0 : random.between(0, 300)
    })
    killed += (signal === "SIGKILL" ? 1 : 0) + (again ? 1 : 0)
  }
  return planned
}
