/**
 * What the chat page costs a browser, as the browser itself measures it: `npm run page:figures`. Nothing fails because of a figure: they are
 * printed, for docs/performance.md.
 */
import type { Browser, CDPSession, Page } from "playwright-core"
import { ChatClient } from "../test/support/ChatClient.ts"
import { launchChromium } from "../test/support/Chromium.ts"
import { ServerProcess, unlimited } from "../test/support/ServerProcess.ts"

const messages = 10_000
const perSecond = 200
const seconds = 15

interface Tasks {
  /** Tasks over 50 ms, the browser's own bound for a long one: milliseconds. */
  readonly long: ReadonlyArray<number>
  /** Milliseconds between two frames of the screen, sorted. */
  readonly frames: ReadonlyArray<number>
  /** The most messages that stood in the document. */
  readonly nodes: number
}

const watch = `
  globalThis.seen = { long: [], frames: [], nodes: 0 }
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.long.push(entry.duration) }).observe({ type: "longtask" })
  let last = performance.now()
  const frame = (now) => {
    seen.frames.push(now - last)
    last = now
    seen.nodes = Math.max(seen.nodes, document.querySelectorAll("[data-seq]").length)
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
`

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const round = (value: number): number => Math.round(value * 10) / 10
const at = (sorted: ReadonlyArray<number>, part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0

const tasksOf = async (page: Page): Promise<Tasks> => {
  const { frames, long, nodes } = await page.evaluate<Tasks>("seen")
  return { long, nodes, frames: frames.toSorted((a, b) => a - b) }
}

const show = (what: string, { frames, long, nodes }: Tasks): void =>
  say(
    `${what}: longest task ${round(Math.max(0, ...long))} ms (${long.filter((ms) => ms > 100).length} over 100 ms, ${long.length} over 50 ms), ` +
      `frames p50 ${round(at(frames, 0.5))} ms, p99 ${round(at(frames, 0.99))} ms, at most ${nodes} messages in the document`
  )

const open = async (browser: Browser, url: string, slowedBy = 1): Promise<readonly [Page, CDPSession]> => {
  const context = await browser.newContext({ viewport: { width: 1180, height: 760 } })
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send("Network.enable")
  await devtools.send("Performance.enable")
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowedBy })
  await page.goto(url)
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor()
  return [page, devtools]
}

/** First paint, bytes and script time of a first visit. */
const firstVisit = async (browser: Browser, url: string, slowedBy: number): Promise<void> => {
  const [page, devtools] = await open(browser, url, slowedBy)
  await page.locator(".room-log .scroll[aria-busy=false]").waitFor()
  const { bytes, paint, requests } = await page.evaluate(() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    return {
      requests: all.length,
      bytes: all.reduce((sum, entry) => sum + ("transferSize" in entry ? Number(entry.transferSize) : 0), 0),
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0
    }
  })
  const { metrics } = await devtools.send("Performance.getMetrics")
  const secondsOf = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0
  say(
    `A first visit, CPU slowed ${slowedBy} times: first contentful paint ${round(paint)} ms, ${requests} requests, ${bytes} bytes with headers, ` +
      `script ${round(secondsOf("ScriptDuration") * 1000)} ms, layout and style ${round((secondsOf("LayoutDuration") + secondsOf("RecalcStyleDuration")) * 1000)} ms`
  )
  await page.context().close()
}

const server = new ServerProcess()
const started = await server.up(unlimited)
const browser = await launchChromium()
try {
  const writer = await ChatClient.connect(started.socketUrl, { room: "long" })
  for (let n = 1; n <= messages; n += 1) {
    writer.say(`Message ${n}, with a link to https://example.com/${n} and some words more, as people write them.`, {
      from: `person ${n % 7}`
    })
    if (n % 500 === 0) await writer.until(() => writer.messages.length === n)
  }

  for (const slowedBy of [1, 4]) await firstVisit(browser, `${started.url}/chat/long`, slowedBy)

  const [reader] = await open(browser, `${started.url}/chat/long`)
  await reader.evaluate(watch)
  const log = reader.locator(".room-log .scroll")
  await log.hover()
  const began = performance.now()
  // Up, as fast as a wheel turns, until the very first message.
  while ((await reader.locator('[data-seq="1"]').count()) === 0) await reader.mouse.wheel(0, -2_500)
  say(
    `From the newest to the first of ${messages} messages by the wheel: ${round((performance.now() - began) / 1000)} s`
  )
  show("While scrolling up", await tasksOf(reader))
  await reader.context().close()

  const [watcher] = await open(browser, `${started.url}/chat/busy`)
  await watcher.evaluate(watch)
  const speaker = await ChatClient.connect(started.socketUrl, { room: "busy" })
  const start = performance.now()
  let sent = 0
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const due = Math.min(seconds * perSecond, Math.floor(((performance.now() - start) / 1000) * perSecond))
      for (; sent < due; sent += 1)
        speaker.say(`Message ${sent + 1} of a burst, as long as most.`, { from: `person ${sent % 7}` })
      if (sent < seconds * perSecond) return
      clearInterval(timer)
      done()
    }, 5)
  })
  await watcher.getByText(`Message ${sent} of a burst`).first().waitFor()
  show(`${perSecond} messages a second for ${seconds} s`, await tasksOf(watcher))
} finally {
  await browser.close()
  await server.remove()
}
