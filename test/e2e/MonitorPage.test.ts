import { AxeBuilder } from "@axe-core/playwright"
import type { Browser, BrowserContext, Page, Request } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ApiClient, password } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { launchChromium, noChromium } from "../support/Chromium.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"

/** Chromium writes a line for every request that fails, and for a test that reads a canvas: neither is the page's fault. */
const isExpected = (text: string) => text.startsWith("Failed to load resource") || text.startsWith("Canvas2D:")

const isStream = (request: Request) => request.url().endsWith("/dashboard/stream")

describe("the monitor in a browser", () => {
  const process = new ServerProcess()
  let server: Started
  let browser: Browser | undefined
  let context: BrowserContext
  let page: Page
  let troubles: Array<string>

  beforeAll(async () => {
    if (noChromium !== undefined) return
    ;[browser, server] = await Promise.all([launchChromium(), process.up({ ...unlimited, DASHBOARD: "open" })])
  })
  afterAll(async () => {
    await browser?.close()
    await process.remove()
  })

  beforeEach(async (test) => {
    if (browser === undefined) return test.skip(noChromium)
    troubles = []
    context = await browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: "reduce" })
    page = await context.newPage()
    page.on("pageerror", (error) => troubles.push(error.message))
    page.on("console", (said) => {
      if (["error", "warning"].includes(said.type()) && !isExpected(said.text())) troubles.push(said.text())
    })
    await page.exposeFunction("reported", (what: string) => troubles.push(what))
    await page.addInitScript(
      `addEventListener("securitypolicyviolation", (event) => reported(event.violatedDirective + " " + event.blockedURI))`
    )
    return undefined
  })
  afterEach(async () => {
    if (browser === undefined) return
    await context.close()
    // Errors, and whatever the policy had to stop.
    expect(troubles).toEqual([])
  })

  const state = () => page.getByRole("status")
  const isNow = (word: string) => state().getByText(word, { exact: true }).waitFor()
  const open = async () => {
    await page.goto(`${server.url}/dashboard`)
    await isNow("Live")
  }
  const figure = (path: string) => page.locator(`#board [data-path="${path}"]`)
  const shows = (path: string, text: string) => figure(path).getByText(text, { exact: true }).waitFor()
  const setHidden = (hidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
      document.dispatchEvent(new Event("visibilitychange"))
    }, hidden)
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  /** What axe finds, by rule. */
  const violations = async () => {
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
  }
  /** Completes when a chart has so many pixels of about the colour that a token is now. */
  const inked = async (unit: string, token: string, pixels: number) => {
    const found = await page.waitForFunction(
      ({ pixels, token, unit }) => {
        const probe = document.body.appendChild(document.createElement("span"))
        probe.style.setProperty("color", `var(${token})`)
        const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number)
        probe.remove()
        const canvas = document.querySelector<HTMLCanvasElement>(`[data-chart="${unit}"] canvas`)
        const { data } = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
        let found = 0
        for (let at = 0; at < data.length; at += 4) {
          const [r = 0, g = 0, b = 0, alpha = 0] = data.slice(at, at + 4)
          if (alpha > 200 && Math.abs(r - red) + Math.abs(g - green) + Math.abs(b - blue) < 30) found++
        }
        return found >= pixels
      },
      { pixels, token, unit }
    )
    await found.dispose()
  }

  it("shows the figures of the moment without any script, and leads to the chat and to the API's page", async () => {
    const plain = await browser?.newContext({ javaScriptEnabled: false })
    const shell = await plain?.newPage()
    await shell?.goto(`${server.url}/dashboard`)
    const memory = shell?.locator('[data-path="pid.ram"]')
    expect(await memory?.textContent()).toMatch(/^\d+ MiB$/)
    expect(await shell?.locator("noscript p").isVisible()).toBe(true)
    const foot = shell?.getByRole("navigation", { name: "Parley" }).getByRole("link")
    expect(await foot?.evaluateAll((links) => links.map((link) => link.getAttribute("href")))).toEqual([
      "/",
      "/dashboard",
      "/docs",
      "/metrics"
    ])
    await plain?.close()
  })

  it("says that nobody is there, and draws what comes: sockets, messages, rooms, as charts and as tables", async () => {
    await open()
    await page.getByRole("heading", { name: "Nobody is in a room" }).waitFor()
    const ada = await ChatClient.connect(server.socketUrl, { room: "kitchen" })
    await shows("parley.sockets", "1")
    for (const text of ["one", "two", "three"]) ada.say(text)
    await ada.delivered("three")
    await shows("parley.messages", "3")
    // What was said is in one reading, or in two that follow one another.
    const row = page.locator('#summary tr[data-row="parley.messages_per_s"]')
    await row.locator("td").last().filter({ hasText: /[1-9]/ }).waitFor({ state: "attached" })
    const room = page.locator("#rooms tr", { hasText: "#kitchen" })
    expect(await room.locator("td").allTextContents()).toMatchObject(["1", expect.any(String), "3"])
    expect(await room.getByRole("link").getAttribute("href")).toBe("/chat?room=kitchen")
    expect(await page.getByRole("heading", { name: "Nobody is in a room" }).isVisible()).toBe(false)
    await inked("rate", "--chart-1", 5)
    ada.socket.close()
    await shows("parley.sockets", "0")
  })

  it("redraws its charts in the colours of another theme, the system's and the reader's own", async () => {
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" })
    await open()
    const drawn = async () => {
      await inked("bytes", "--chart-grid", 100)
      await inked("bytes", "--chart-1", 5)
    }
    await drawn()
    await page.getByRole("button", { name: "Pause" }).click()
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" })
    await drawn()
    await page.getByLabel("Theme").selectOption("High contrast")
    await drawn()
    await page.reload()
    expect(await page.locator("html").getAttribute("data-theme")).toBe("contrast")
    expect(await page.getByLabel("Theme").inputValue()).toBe("contrast")
    await page.getByLabel("Theme").selectOption("System")
    expect(await page.locator("html").getAttribute("data-theme")).toBeNull()
  })

  it("listens only while it is seen, and goes on when it is seen again", async () => {
    await open()
    const ended = page.waitForEvent("requestfailed", { predicate: isStream })
    await setHidden(true)
    expect((await ended).failure()?.errorText).toBe("net::ERR_ABORTED")
    await isNow("Paused while hidden")
    const begun = page.waitForRequest(isStream)
    await setHidden(false)
    await begun
    await isNow("Live")
  })

  it("pauses when it is asked to, also for whoever comes back to it", async () => {
    await open()
    const ended = page.waitForEvent("requestfailed", { predicate: isStream })
    await page.getByRole("button", { name: "Pause" }).click()
    await ended
    await isNow("Paused")
    await setHidden(true)
    await setHidden(false)
    await isNow("Paused")
    await page.getByRole("button", { name: "Resume" }).click()
    await isNow("Live")
  })

  it("is had by the keyboard alone, and as tables", async () => {
    await open()
    await page.locator("body").press("Tab")
    expect(await page.locator(":focus").textContent()).toBe("To the figures")
    await page.keyboard.press("Enter")
    expect(await page.locator(":focus").getAttribute("id")).toBe("main")
    const tables = page.getByRole("button", { name: "Show as tables" })
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    expect(await tables.evaluate((button) => button === document.activeElement)).toBe(true)
    expect(await page.locator(".plot").first().isVisible()).toBe(true)
    await page.keyboard.press("Space")
    expect(await tables.getAttribute("aria-pressed")).toBe("true")
    expect(await page.locator(".plot").first().isVisible()).toBe(false)
    await page.getByRole("row", { name: /^Commit, p99/ }).waitFor()
    await page.locator("#course tbody tr").first().waitFor()
    // The wide table scrolls for whoever has no mouse.
    await page.locator("#course").focus()
    expect(await page.locator("#course").evaluate((table) => table === document.activeElement)).toBe(true)
    await tables.press("Enter")
    expect(await page.locator(".plot").first().isVisible()).toBe(true)
  })

  it("has nothing that axe finds, in light, dark and high contrast, and fits the narrowest telephone", async () => {
    const someone = await ChatClient.connect(server.socketUrl, { room: "w".repeat(64) })
    await open()
    await page.locator("#rooms", { hasText: "#www" }).waitFor()
    const schemes = [
      { colorScheme: "light", contrast: "no-preference" },
      { colorScheme: "dark", contrast: "no-preference" },
      { colorScheme: "light", contrast: "more" },
      { colorScheme: "dark", contrast: "more" }
    ] as const
    for (const scheme of schemes) {
      await page.emulateMedia(scheme)
      expect([scheme, ...(await violations())]).toEqual([scheme])
    }
    await page.setViewportSize({ width: 360, height: 640 })
    expect(await overflow()).toBe(0)
    await page.getByRole("button", { name: "Show as tables" }).click()
    await page.locator("#course tbody tr").first().waitFor()
    expect(await overflow()).toBe(0)
    for (const scheme of schemes.slice(0, 2)) {
      await page.emulateMedia(scheme)
      expect([scheme, ...(await violations())]).toEqual([scheme])
    }
    someone.socket.close()
  })

  it("says that the server is gone, keeps its last figures, and comes back by itself", async () => {
    await open()
    const { port } = new URL(server.url)
    await server.stop()
    await isNow("Disconnected")
    await page.getByRole("alert").getByText("These are its last figures.").waitFor()
    expect(await figure("pid.ram").textContent()).toMatch(/MiB$/)
    expect(await violations()).toEqual([])
    server = await process.up({ ...unlimited, DASHBOARD: "token", APP_PORT: port })
    // It comes back at the latest with its next try, sooner where the browser says that the network is there again; and as a monitor for people
    // with an account.
    await page.evaluate(() => dispatchEvent(new Event("online")))
    await page.getByRole("heading", { name: "This monitor asks who you are" }).waitFor()
    expect(await violations()).toEqual([])
    expect(await page.locator("#board").isVisible()).toBe(false)
  })

  it("shows figures to nobody without a token, and takes it by a form, not by the address", async () => {
    const { token } = await new ApiClient(server.url).somebody("somebody1")
    await page.goto(`${server.url}/dashboard`)
    const field = page.getByLabel("Access token")
    await field.waitFor()
    expect(await page.locator("[data-path]").allTextContents()).toSatisfy((figures: Array<string>) =>
      figures.every((figure) => figure === "–")
    )
    await field.fill("not a token")
    await page.getByRole("button", { name: "Show the figures" }).click()
    await page.getByText("This is no access token").waitFor()
    await field.fill("wrong")
    await field.press("Enter")
    await page.getByText("The server does not know this token").waitFor()
    expect(await field.getAttribute("aria-invalid")).toBe("true")
    await field.fill(token)
    await field.press("Enter")
    await isNow("Live")
    await shows("parley.sockets", "0")
    expect(page.url()).toBe(`${server.url}/dashboard`)
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]))
    expect(kept).not.toContain(token)
  })

  it("knows whoever is logged in on the chat page of this browser", async () => {
    const loginAs = "somebody2"
    expect((await new ApiClient(server.url).register(loginAs)).status).toBe(201)
    await page.goto(`${server.url}/dashboard`)
    await page.getByLabel("Access token").waitFor()
    const status = await page.evaluate(
      async (body) => {
        const headers = { "Content-Type": "application/json", "X-Parley-Page": "1" }
        const reply = await fetch("/api/user/v1/login", { method: "POST", headers, body: JSON.stringify(body) })
        localStorage.setItem("parley.login", "yes")
        return reply.status
      },
      { username: loginAs, password }
    )
    expect(status).toBe(200)
    await page.reload()
    await isNow("Live")
    expect(await page.getByLabel("Access token").isVisible()).toBe(false)
  })
})
