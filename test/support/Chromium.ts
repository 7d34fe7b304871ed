import { existsSync } from "node:fs"
import { chromium } from "playwright-core"
import type { Browser } from "playwright-core"

/** Where a system has its Chromium; `CHROMIUM` names another. */
const executable = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .filter((path) => path !== undefined)
  .find((path) => existsSync(path))

/** Why tests in a browser cannot run here, or `undefined`. Where `CI` is set there is no excuse. */
export const noChromium: string | undefined =
  executable === undefined && process.env["CI"] === undefined
    ? "no Chromium found: apt-get install chromium, or set CHROMIUM to its path"
    : undefined

/** A Chromium that speaks to nobody of itself. Fails where none is installed. */
export const launchChromium = (): Promise<Browser> => {
  if (executable === undefined)
    throw new Error("No Chromium found: apt-get install chromium, or set CHROMIUM to its path")
  return chromium.launch({
    executablePath: executable,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]
  })
}
