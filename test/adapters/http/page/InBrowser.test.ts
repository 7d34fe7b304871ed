import { AxeBuilder } from "@axe-core/playwright"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { launchChromium, noChromium } from "../../../support/Chromium.ts"
import { startFakeServer } from "./FakeServer.ts"

/** Chromium writes a line for every reply over 399: it is the reply that is expected, not the page's fault. */
const isReply = (text: string) => /^Failed to load resource: the server responded with a status of 4\d\d/.test(text)

describe("the chat page in a browser", () => {
  let browser: Browser | undefined
  let server: Awaited<ReturnType<typeof startFakeServer>>
  let context: BrowserContext
  let page: Page
  let troubles: Array<string>

  // One page for all: each test clears what its own left in the browser.
  beforeAll(async () => {
    if (noChromium !== undefined) return
    browser = await launchChromium()
    context = await browser.newContext()
    page = await context.newPage()
    page.on("pageerror", (error) => troubles.push(error.message))
    page.on("console", (said) => {
      if (["error", "warning"].includes(said.type()) && !isReply(said.text())) troubles.push(said.text())
    })
  })
  afterAll(() => browser?.close())

  beforeEach(async (test) => {
    if (browser === undefined) return test.skip(noChromium)
    troubles = []
    server = await startFakeServer()
    await page.setViewportSize({ width: 900, height: 600 })
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" })
    return undefined
  })
  afterEach(async () => {
    if (browser === undefined) return
    // The next server may get the same port, and be the same origin.
    await page.evaluate(() => {
      localStorage.clear()
      sessionStorage.clear()
    })
    await page.goto("about:blank")
    await context.clearCookies()
    await server.stop()
    // Errors, and whatever the policy had to stop.
    expect(troubles).toEqual([])
  })

  const open = async (path = "/") => {
    await page.goto(`${server.origin}${path}`)
    await page.getByText("Live", { exact: true }).waitFor()
  }
  const field = () => page.getByRole("textbox", { name: "Message to #" })
  const log = () => page.getByRole("log")
  const item = (text: string) => log().getByRole("listitem").filter({ hasText: text })
  const say = async (text: string) => {
    await field().fill(text)
    await field().press("Enter")
  }
  const fillMany = (count: number) => {
    for (let n = 1; n <= count; n++) server.append({ from: "grace_hopper", message: `line ${n}.`, id: `id-${n}` })
  }
  const register = async (username: string) => {
    await page.getByRole("button", { name: "Register" }).click()
    await page.getByLabel("Username").fill(username)
    await page.getByLabel("Full name").fill("Ada Lovelace")
    await page.getByLabel("Password").fill("secret123")
    await page.getByRole("dialog").getByRole("button", { name: "Register", exact: true }).click()
    await page.getByRole("button", { name: "Log out" }).waitFor()
    await page.getByText("Live", { exact: true }).waitFor()
  }
  const fromTop = () => log().evaluate((element) => element.scrollTop)
  const scrollTo = (top: number) => log().evaluate((element, top) => void (element.scrollTop = top), top)

  it("a guest chats: Enter sends, Shift+Enter breaks the line, his messages are his and say guest", async () => {
    await open()
    await field().fill("first")
    await field().press("Shift+Enter")
    await field().pressSequentially("second")
    await field().press("Enter")
    const mine = item("first")
    await mine.getByText("guest", { exact: true }).waitFor()
    await mine.getByText("you", { exact: true }).waitFor()
    expect(server.log).toMatchObject([{ message: "first\nsecond", guest: true }])
    expect(await field().inputValue()).toBe("")
    server.append({ from: "grace_hopper", message: "hello there", id: "g" })
    await item("hello there").waitFor()
    expect(await item("hello there").getByText("you", { exact: true }).count()).toBe(0)
    expect(await item("hello there").locator("time").getAttribute("datetime")).toBe(server.log[1]?.date)
  })

  it("what is written as HTML is text, in messages as in names", async () => {
    const html = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
    server.append({ from: html, message: html, id: html, guest: true })
    await open()
    await say(html)
    await item("onerror").nth(1).waitFor()
    expect(await log().locator("img, script").count()).toBe(0)
    expect(await item("onerror").first().locator("bdi").textContent()).toBe(html)
    expect(await page.title()).toContain("#lobby")
  })

  it("no script can make HTML out of a string", async () => {
    await open()
    const outcome = await page.evaluate(() => {
      try {
        document.body.innerHTML = "<img src=x>"
        return "made"
      } catch {
        return "refused"
      }
    })
    expect(outcome).toBe("refused")
    troubles = troubles.filter((text) => !text.includes("TrustedHTML"))
  })

  it("registers with errors at their fields, keeps the login over a reload, and logs out", async () => {
    server.accounts.set("taken_name", "x")
    await open()
    await page.getByRole("button", { name: "Register" }).click()
    const submit = page.getByRole("dialog").getByRole("button", { name: "Register", exact: true })
    const username = page.getByLabel("Username")
    await username.fill("short")
    await submit.click()
    await page.getByText("6 to 20 characters, please").waitFor()
    expect(await username.getAttribute("aria-invalid")).toBe("true")
    await username.fill("taken_name")
    await submit.click()
    await page.getByText("This username is taken.").waitFor()
    await page.getByRole("button", { name: "Close" }).click()
    await register("ada_lovelace")
    await say("under my name")
    await item("under my name").getByText("ada_lovelace").waitFor()
    expect(server.log.at(-1)).not.toHaveProperty("guest")

    await page.reload()
    await page.getByRole("button", { name: "Log out" }).waitFor()
    await item("under my name").getByText("you", { exact: true }).waitFor()
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]))
    expect(kept).not.toContain("h.")
    await page.getByRole("button", { name: "Log out" }).click()
    await page.getByRole("button", { name: "Register" }).waitFor()
    await page.reload()
    await page.getByRole("button", { name: "Register" }).waitFor()
  })

  it("says in plain words that a login failed", async () => {
    await open()
    await page.getByRole("button", { name: "Log in" }).click()
    await page.getByLabel("Username").fill("nobody_here")
    await page.getByLabel("Password").fill("wrong")
    await page.getByRole("dialog").getByRole("button", { name: "Log in", exact: true }).click()
    await page.getByText("Username or password is wrong.").waitFor()
  })

  it("comes back after the server's restart with everything, once, and with what was not confirmed", async () => {
    await open()
    await say("swallow me")
    await item("swallow me").getByText("Sending…").waitFor()
    server.append({ from: "grace_hopper", message: "before", id: "1" })
    await item("before").waitFor()
    server.closeAll(1012)
    server.append({ from: "grace_hopper", message: "meanwhile", id: "2" })
    await item("meanwhile").waitFor()
    server.append({ from: "grace_hopper", message: "after", id: "3" })
    await item("after").waitFor()
    expect(await log().locator("[data-seq] .body").allTextContents()).toEqual(["before", "meanwhile", "after"])
  })

  it("a session that was ended elsewhere asks for a new login and does not come back by itself", async () => {
    await open()
    await register("ada_lovelace")
    server.closeAll(4502)
    await page.getByText("Your login has ended.").waitFor()
    await page.getByRole("status").getByText("Logged out").waitFor()
    await page.getByRole("button", { name: "Go on as a guest" }).click()
    await page.getByText("Live", { exact: true }).waitFor()
    await page.getByLabel("You speak as guest").waitFor()
  })

  it("a rejected message says why, and is sent again when asked", async () => {
    await open()
    await say("too fast")
    await item("too fast").getByText("Slow down, please.").waitFor()
    await item("too fast").getByRole("button", { name: "Edit" }).click()
    expect(await field().inputValue()).toBe("too fast")
    await say("slower")
    await log().locator("[data-seq]").filter({ hasText: "slower" }).waitFor()
  })

  it("older messages come while scrolling up, and what is read does not move", async () => {
    fillMany(180)
    await open()
    await page.getByText("Log in to read them").waitFor()
    await register("ada_lovelace")
    expect(await log().locator("[data-seq]").count()).toBe(50)
    await scrollTo(40)
    const first = item("line 131.")
    const standsAt = () => first.evaluate((element) => element.getBoundingClientRect().top)
    const before = await standsAt()
    await item("line 81.").waitFor({ state: "attached" })
    expect(Math.abs((await standsAt()) - before)).toBeLessThan(2)
    for (const line of ["line 31.", "line 1."]) {
      await scrollTo(0)
      await item(line).first().waitFor({ state: "attached" })
    }
    await page.getByText("This is where #lobby begins.").waitFor({ state: "attached" })
    const seqs = await log()
      .locator("[data-seq]")
      .evaluateAll((items) => items.map((element) => Number(element.getAttribute("data-seq"))))
    expect(seqs).toEqual(Array.from({ length: 180 }, (_, index) => index + 1))
  })

  it("who reads further up is not moved by what comes, and is told of it", async () => {
    fillMany(60)
    await open()
    await scrollTo(500)
    await page.getByRole("button", { name: "To the newest message" }).waitFor()
    const before = await fromTop()
    server.append({ from: "grace_hopper", message: "news", id: "news" })
    server.append({ from: "grace_hopper", message: "more news", id: "more" })
    await page.getByRole("button", { name: "2 new messages" }).waitFor()
    expect(await fromTop()).toBe(before)
    expect(await page.title()).toBe("(2) #lobby · Parley")
    await page.getByRole("button", { name: "2 new messages" }).click()
    await page.getByRole("button", { name: "new messages" }).waitFor({ state: "detached" })
    expect(await item("more news").isVisible()).toBe(true)
    server.append({ from: "grace_hopper", message: "the last one", id: "last" })
    await item("the last one").waitFor()
    expect(
      await log().evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop)
    ).toBeLessThan(2)
  })

  it("the room is in the address, and back leads to the room before", async () => {
    await open("/chat?room=kitchen")
    await page.getByRole("log", { name: "Messages in #kitchen" }).waitFor()
    await page.getByRole("status").getByText("Live").waitFor()
    await page.getByRole("textbox", { name: "Room" }).fill("garden")
    await page.getByRole("textbox", { name: "Room" }).press("Enter")
    await page.getByRole("log", { name: "Messages in #garden" }).waitFor()
    expect(new URL(page.url()).search).toBe("?room=garden")
    // To leave a room whose socket is not open yet is an error on the browser's console.
    await page.getByRole("status").getByText("Live").waitFor()
    await page.goBack()
    await page.getByRole("log", { name: "Messages in #kitchen" }).waitFor()
    await page.getByRole("status").getByText("Live").waitFor()
    await page.getByRole("textbox", { name: "Room" }).fill("no such / room")
    await page.getByRole("textbox", { name: "Room" }).press("Enter")
    await page.getByText("Letters, digits and _ . : - only").waitFor()
  })

  it.each(["light", "dark"] as const)("has nothing that axe finds, in the %s scheme", async (colorScheme) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    for (let n = 0; n < 12; n++) server.append({ from: `author ${n}`, message: "hello", id: `${n}`, guest: true })
    const check = async () => {
      // Legacy mode gathers the results in the page itself, which has no frames, instead of in a new one each time.
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
    }
    await open()
    await say("mine")
    await item("mine").getByText("you", { exact: true }).waitFor()
    await say("too fast")
    await page.getByText("Slow down, please.").waitFor()
    await check()
    await page.setViewportSize({ width: 360, height: 640 })
    await check()
    await page.getByRole("button", { name: "Register" }).click()
    await page.getByLabel("Username").fill("short")
    await page.getByRole("dialog").getByRole("button", { name: "Register", exact: true }).click()
    await page.getByText("6 to 20 characters, please").waitFor()
    await check()
  })

  it("needs no more width than the narrowest telephone has", async () => {
    await page.setViewportSize({ width: 320, height: 600 })
    server.append({ from: "w".repeat(64), message: "w".repeat(400), id: "wide", guest: true })
    await open()
    await register("ada_lovelace_is_long")
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(await overflow()).toBe(0)
    expect(await log().evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
  })
})
