import { Connection } from "../../../../src/adapters/http/page/assets/connection.js"
import { Timeline } from "../../../../src/adapters/http/page/assets/timeline.js"

type Options = ConstructorParameters<typeof Connection>[0]
type Credentials = Awaited<ReturnType<Options["speaker"]["credentials"]>>

/** Time that passes only when a test says so. */
export class HandMovedClock {
  time = 0
  private timers: Array<{ at: number; run: () => void }> = []

  readonly asTimers: Options["timers"] = {
    now: () => this.time,
    random: () => 0,
    after: (run: () => void, ms: number) => {
      const timer = { at: this.time + ms, run }
      this.timers.push(timer)
      return timer
    },
    cancel: (timer: unknown) => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** What is due runs in its order, and what that starts and is due runs too. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms
    for (;;) {
      const next = this.timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > until) break
      this.timers = this.timers.filter((other) => other !== next)
      this.time = next.at
      next.run()
      await settled()
    }
    this.time = until
  }
}

/** Everything that waits for promises alone has had its turn. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One socket of the page, with the test as its server. */
export interface Line {
  readonly address: URL
  readonly protocols: ReadonlyArray<string>
  readonly sent: Array<Record<string, unknown>>
  closedByPage: boolean
  readonly open: () => void
  readonly say: (frame: object) => void
  readonly close: (code: number) => void
}

export const frame = (seq: number, id = `id-${seq}`, message = `message ${seq}`) => ({
  from: "ada",
  message,
  date: "2026-11-22T10:00:00.000Z",
  id,
  seq,
  room: "lobby"
})

/** A connection whose clock, sockets and tokens are the test's. */
export const connected = (
  given: { credentials?: () => Credentials; renew?: () => "renewed" | "ended" | "unavailable"; origins?: string[] } = {}
) => {
  const clock = new HandMovedClock()
  const lines: Array<Line> = []
  const timeline = new Timeline()
  const calls = { renewed: 0, ended: 0 }
  const connection = new Connection({
    room: "lobby",
    origins: given.origins ?? ["ws://localhost:8080"],
    timeline,
    timers: clock.asTimers,
    epoch: () => undefined,
    changed: () => {},
    speaker: {
      credentials: () => Promise.resolve(given.credentials?.() ?? { kind: "guest" }),
      renew: () => {
        calls.renewed += 1
        return Promise.resolve(given.renew?.() ?? "unavailable")
      },
      end: () => {
        calls.ended += 1
      },
      name: () => "guest-1"
    },
    open: (address, protocols, events) => {
      const line: Line = {
        address: new URL(address),
        protocols,
        sent: [],
        closedByPage: false,
        open: () => events.opened(),
        say: (said) => events.received(JSON.stringify(said)),
        close: (code) => events.closed(code)
      }
      lines.push(line)
      return {
        send: (text: string) => void line.sent.push(JSON.parse(text)),
        close: () => {
          line.closedByPage = true
        }
      }
    }
  })
  const last = (): Line => {
    const line = lines.at(-1)
    if (line === undefined) throw new Error("No socket was opened")
    return line
  }
  return { clock, connection, timeline, lines, last, calls }
}
