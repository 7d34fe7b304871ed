import { statSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Browser, Page } from "playwright-core"

/** Pictures are read over slow lines, too. */
const largestBytes = 150_000

const directory = resolve(import.meta.dirname, "../../docs/images")

export const desktop = { width: 1080, height: 1195 }
export const phone = { width: 390, height: 844 }

export interface Gallery {
  readonly page: Page
  /** Takes a picture of what the page shows into `docs/images/<name>.png`. Fails where it is larger than 150 KB. */
  readonly take: (name: string) => Promise<void>
}

/** A new page in the browser, and what takes its pictures. */
export const gallery = async (browser: Browser): Promise<Gallery> => {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce" })
  const page = await context.newPage()
  return {
    page,
    take: async (name) => {
      const path = join(directory, `${name}.png`)
      // The last resize has been drawn.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
      await page.screenshot({ path })
      const { size } = statSync(path)
      process.stdout.write(`docs/images/${name}.png ${Math.round(size / 1000)} KB\n`)
      if (size > largestBytes) throw new Error(`${name}.png has ${size} bytes, ${largestBytes} are allowed`)
    }
  }
}
