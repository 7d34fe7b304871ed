import { Checker } from "./Checker.ts"
import type { Counts, Violation } from "./Checker.ts"
import type { DeliveryEvent } from "./DeliveryEvent.ts"

/** So many events are remembered, to be shown where one breaks a promise. */
const eventsKept = 2_000
/** So many of them are shown. */
const eventsShown = 25
const shownCharacters = 160

interface Recorded {
  readonly at: number
  readonly event: DeliveryEvent
}

/** Hands every event to the checker as it happens, and remembers the latest. */
export class Recorder {
  readonly #checker = new Checker()
  readonly #began = performance.now()
  readonly #latest: Array<Recorded> = []
  readonly #segments = new Map<number, { readonly client: string; readonly room: string }>()
  readonly #onViolation: () => void
  #next = 0
  #segment = 0

  /** `onViolation` is called once. */
  constructor(onViolation: () => void) {
    this.#onViolation = onViolation
  }

  /** A number for the next segment. */
  segment(): number {
    return ++this.#segment
  }

  record(event: DeliveryEvent): void {
    // What comes after the first violation would only blur what led to it.
    if (this.#checker.violations.length > 0) return
    this.#latest[this.#next++ % eventsKept] = { at: performance.now() - this.#began, event }
    if (event.type === "opened") this.#segments.set(event.segment, event)
    this.#checker.take(event)
    if (this.#checker.violations.length > 0) this.#onViolation()
  }

  get counts(): Counts {
    return this.#checker.counts
  }

  get violations(): ReadonlyArray<Violation> {
    return this.#checker.violations
  }

  seen(room: string): number {
    return this.#checker.seen(room)
  }

  /** What the violations are, and the last events around the first one; nothing where there is none. */
  report(): ReadonlyArray<string> {
    const [first] = this.violations
    if (first === undefined) return []
    const { room } = first
    const around = this.#inOrder().filter(
      ({ event }) => event.type === "server" || room === undefined || this.#roomOf(event) === room
    )
    return [
      ...this.violations.slice(0, 10).map(({ promised, room, segment, what }) => {
        const where = `${room === undefined ? "" : ` in ${room}`}${segment === undefined ? "" : `, segment ${segment}`}`
        return `broken: ${promised}${where}: ${what}`
      }),
      "the last events around it:",
      ...around.slice(-eventsShown).map((recorded) => `  ${this.#line(recorded)}`)
    ]
  }

  #inOrder(): ReadonlyArray<Recorded> {
    const start = this.#next % eventsKept
    return this.#next < eventsKept ? this.#latest : [...this.#latest.slice(start), ...this.#latest.slice(0, start)]
  }

  #roomOf(event: DeliveryEvent): string | undefined {
    if (event.type === "ended" || event.type === "accepted") return event.room
    return event.type === "server" ? undefined : this.#segments.get(event.segment)?.room
  }

  #line({ at, event }: Recorded): string {
    const time = `${(at / 1000).toFixed(3).padStart(8)} s `
    if (event.type === "server") return `${time} the server ${event.what}`
    if (event.type === "ended") return `${time} the log of ${event.room} ends at ${event.head}`
    if (event.type === "accepted") return `${time} ${event.author} hears that ${event.id} is stored in ${event.room}`
    const of = this.#segments.get(event.segment)
    const line = `${time} ${of?.client} (segment ${event.segment}) ${details(event)}`
    return line.length > shownCharacters ? `${line.slice(0, shownCharacters)}…` : line
  }
}

const details = (event: Exclude<DeliveryEvent, { type: "server" | "ended" | "accepted" }>): string => {
  switch (event.type) {
    case "opened": {
      const { history, since } = event
      return since === undefined ? `comes, with history ${history}` : `comes, from ${since}`
    }
    case "sent":
      return `sends ${event.id === undefined ? "" : `${event.id}: `}${event.message}`
    case "delivered":
      return `gets ${event.seq} from ${event.from}, ${event.id}: ${event.message}`
    case "acknowledged":
      return `hears that ${event.id} stands at ${event.seq}`
    case "refused":
      return `is told ${event.code}${event.id === undefined ? "" : ` for ${event.id}`}`
    default:
      return `is gone (${event.how})`
  }
}
