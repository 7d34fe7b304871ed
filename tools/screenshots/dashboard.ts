/** The monitor under load, for the README: `npm run screenshots`. A minute of load, then a picture in each scheme and size. */
import { launchChromium } from "../../test/support/Chromium.ts"
import { OpenLoop } from "../../bench/load/OpenLoop.ts"
import { ServerProcess } from "../../bench/server/ServerProcess.ts"
import { classicWire, parleyOn } from "../../bench/targets/Parley.ts"
import { desktop, gallery, phone } from "./Gallery.ts"

const rooms = [
  { room: "lobby", sockets: 120, rates: [20, 60, 90, 40, 120, 70] },
  { room: "release-week", sockets: 60, rates: [10, 25, 15, 45, 30, 35] },
  { room: "on-call", sockets: 35, rates: [5, 5, 40, 10, 5, 15] },
  { room: "kitchen", sockets: 18, rates: [3, 6, 2, 8, 4, 5] },
  { room: "design", sockets: 9, rates: [2, 1, 3, 2, 4, 2] }
]

/** Each rate lasts so long. */
const seconds = 12

const embedded = { label: "SQLite", env: {}, remove: () => Promise.resolve() }

const server = await ServerProcess.start(parleyOn(embedded), { env: { DASHBOARD: "open" } })
const browser = await launchChromium()
try {
  const { page, take } = await gallery(browser)
  await page.setViewportSize(desktop)
  await page.goto(new URL("/dashboard", server.readyUrl).href)
  const ramp = async ({ rates, room, sockets }: (typeof rooms)[number], name: number): Promise<void> => {
    const loop = await OpenLoop.connect(
      server,
      classicWire,
      { room, sockets, senders: 2, timed: 2, messageBytes: 120 },
      () => {}
    )
    // Sockets are there before the first message, and rooms do not begin all at once.
    for (const ratePerSecond of name === 0 ? rates : [...rates.slice(name), ...rates.slice(0, name)]) {
      await loop.run({ ratePerSecond, warmUpSeconds: 0, seconds, graceSeconds: 2 }, () => {})
    }
    await loop.run({ ratePerSecond: rates[0] ?? 1, warmUpSeconds: 0, seconds: 20, graceSeconds: 2 }, () => {})
    loop.close()
  }
  const load = Promise.all(rooms.map(ramp))
  const pictures = async (): Promise<void> => {
    await page.waitForTimeout(6 * seconds * 1000)
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
      await page.setViewportSize(desktop)
      await take(`dashboard-${colorScheme}`)
      await page.setViewportSize(phone)
      await take(`dashboard-phone-${colorScheme}`)
    }
  }
  await Promise.all([load, pictures()])
} finally {
  await browser.close()
  await server.stop()
}
