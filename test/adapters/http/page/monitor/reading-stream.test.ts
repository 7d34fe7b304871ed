import { describe, expect, it } from "@effect/vitest"
import { backoff } from "../../../../../src/adapters/http/page/assets/backoff.js"
import { ReadingStream, patience } from "../../../../../src/adapters/http/page/assets/monitor/reading-stream.js"
import { HandMovedClock, settled } from "../HandMoved.ts"

type Happened = Parameters<ConstructorParameters<typeof ReadingStream>[0]["heard"]>[0]

const event = (messages_per_s: number) => `data: ${JSON.stringify({ pid: {}, parley: { messages_per_s } })}\n\n`

/** A line whose server, clock and login are the test's. */
const listening = (given: { statuses?: number[]; authorize?: () => boolean; random?: () => number } = {}) => {
  const clock = new HandMovedClock()
  const lines: Array<{ say: (text: string) => void; end: () => void; aborted: () => boolean }> = []
  const heard: Array<Happened> = []
  const statuses = given.statuses ?? []
  const stream = new ReadingStream({
    open: (signal) => {
      const status = statuses.shift() ?? 200
      if (status === 0) return Promise.reject(new TypeError("network"))
      let control: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({ start: (made) => void (control = made) })
      lines.push({
        say: (text) => control?.enqueue(new TextEncoder().encode(text)),
        end: () => control?.close(),
        aborted: () => signal.aborted
      })
      return Promise.resolve(new Response(status === 200 ? body : null, { status }))
    },
    authorize: () => Promise.resolve(given.authorize?.() ?? false),
    timers: { ...clock.asTimers, random: given.random ?? (() => 0) },
    heard: (happened) => void heard.push(happened)
  })
  const types = () => heard.map(({ type }) => type)
  return { clock, lines, heard, stream, types }
}

describe("the monitor's line", () => {
  it("hears readings, however they are cut into pieces, and nothing that is none", async () => {
    const { heard, lines, stream } = listening()
    stream.start()
    await settled()
    const text = `: a comment\n\n${event(1)}data: {"other":1}\n\ndata: broken\n\n${event(2)}`
    for (const piece of [text.slice(0, 30), text.slice(30, 31), text.slice(31)]) {
      lines[0]?.say(piece)
      await settled()
    }
    expect(heard).toMatchObject([
      { type: "connecting" },
      { type: "reading", reading: { parley: { messages_per_s: 1 } } },
      { type: "reading", reading: { parley: { messages_per_s: 2 } } }
    ])
    stream.stop()
    expect(lines[0]?.aborted()).toBe(true)
    expect(stream.running).toBe(false)
  })

  it("comes back when the server ends it, each try later than the one before, none at the same moment as another's", async () => {
    const { clock, lines, stream, types } = listening({ statuses: [0, 503, 200], random: () => 0.5 })
    stream.start()
    await settled()
    expect(types()).toEqual(["connecting", "lost"])
    await clock.pass(backoff.first * 0.75 - 1)
    expect(types()).toHaveLength(2)
    await clock.pass(1)
    await settled()
    expect(types().slice(2)).toEqual(["connecting", "lost"])
    await clock.pass(2 * backoff.first * 0.75 - 1)
    expect(types()).toHaveLength(4)
    await clock.pass(1)
    await settled()
    lines.at(-1)?.say(event(1))
    await settled()
    expect(types().slice(4)).toEqual(["connecting", "reading"])
    // A reading proves the line: the next wait is the first again.
    lines.at(-1)?.end()
    await settled()
    await clock.pass(backoff.first * 0.75)
    expect(types().slice(6)).toEqual(["lost", "connecting"])
    stream.stop()
  })

  it("calls a line dead on which nothing comes any more, and tries another", async () => {
    const { clock, lines, stream, types } = listening()
    stream.start()
    await settled()
    lines[0]?.say(event(1))
    await settled()
    await clock.pass(patience - 1)
    expect(types()).toEqual(["connecting", "reading"])
    await clock.pass(1)
    expect(types().slice(2)).toEqual(["stale"])
    expect(lines[0]?.aborted()).toBe(true)
    await clock.pass(backoff.first)
    expect(lines).toHaveLength(2)
    stream.stop()
  })

  it("shows the browser's login where a token is wanted, and asks for one where that does not help", async () => {
    const known = listening({ statuses: [401, 200], authorize: () => true })
    known.stream.start()
    await settled()
    known.lines.at(-1)?.say(event(1))
    await settled()
    expect(known.types()).toEqual(["connecting", "reading"])
    known.stream.stop()

    const unknown = listening({ statuses: [401] })
    unknown.stream.start()
    await settled()
    expect(unknown.types()).toEqual(["connecting", "refused"])
    expect(unknown.stream.running).toBe(false)
    await unknown.clock.pass(backoff.last)
    expect(unknown.lines).toHaveLength(1)
  })

  it("says nothing more once it is stopped, whatever still comes", async () => {
    const { clock, lines, stream, types } = listening()
    stream.start()
    await settled()
    stream.stop()
    lines[0]?.say(event(1))
    await clock.pass(backoff.last)
    expect(types()).toEqual(["connecting"])
    expect(lines).toHaveLength(1)
  })

  it("does not wait for its next try when it is told to hurry", async () => {
    const { lines, stream } = listening({ statuses: [0, 200] })
    stream.start()
    await settled()
    stream.hurry()
    await settled()
    expect(lines).toHaveLength(1)
    stream.hurry()
    await settled()
    expect(lines).toHaveLength(1)
    stream.stop()
  })
})
