import { AxeBuilder } from "@axe-core/playwright"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { ApiClient, password } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { launchChromium, noChromium } from "../support/Chromium.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { xssCorpus } from "./XssCorpus.ts"

const schemes = [
  ["light", "no-preference"],
  ["dark", "no-preference"],
  ["dark", "more"]
] as const

/** Chromium writes a line for every reply over 399, and for every socket that finds nobody: that is expected, and not the page's fault. */
const isExpected = (text: string) => /^Failed to load resource|^WebSocket connection to .* failed/.test(text)

/** In the page: what the policy had to stop, and scripts of messages, are seen by the test. */
const watchScript = `
  globalThis.owned = () => console.error("a message ran")
  document.addEventListener("securitypolicyviolation", (event) => console.error("policy", event.violatedDirective))
`

describe("the chat page, in a browser and before the server", () => {
  const server = new ServerProcess()
  let browser: Browser | undefined
  let started: Started
  let api: ApiClient
  let context: BrowserContext
  let page: Page
  let troubles: Array<string>
  let rooms = 0
  let room: string
  const clients: Array<ChatClient> = []

  beforeAll(async () => {
    if (noChromium !== undefined) return
    ;[browser, started] = await Promise.all([launchChromium(), server.up(unlimited)])
    api = new ApiClient(started.url)
  })
  afterAll(async () => {
    await browser?.close()
    await server.remove()
  })

  const newContext = async (options: object = {}): Promise<BrowserContext> => {
    if (browser === undefined) throw new Error("no browser")
    const made = await browser.newContext({
      viewport: { width: 1000, height: 640 },
      reducedMotion: "reduce",
      ...options
    })
    await made.addInitScript(watchScript)
    made.on("page", (opened) => {
      opened.on("pageerror", (error) => troubles.push(error.message))
      opened.on("console", (said) => {
        if (["error", "warning"].includes(said.type()) && !isExpected(said.text())) troubles.push(said.text())
      })
    })
    return made
  }

  beforeEach(async (test) => {
    if (browser === undefined) return test.skip(noChromium)
    troubles = []
    room = `room-${(rooms += 1)}`
    context = await newContext()
    page = await context.newPage()
    return undefined
  })
  afterEach(async () => {
    if (browser === undefined) return
    await context.close()
    await Promise.all(clients.splice(0).map((client) => client.close()))
    // Errors, and whatever the policy had to stop.
    expect(troubles).toEqual([])
  })

  const live = (on = page) => on.getByRole("status").getByText("Live", { exact: true }).waitFor()
  const open = async (on = page, name = room) => {
    await on.goto(`${started.url}/chat/${name}`)
    await live(on)
    await on.locator(".room-log .scroll[aria-busy=false]").waitFor()
  }
  const field = (on = page) => on.getByRole("textbox", { name: "Message to #" })
  /** Drawn with the next frame of the screen. */
  const holds = (text: string) =>
    page.waitForFunction((text) => document.querySelector<HTMLTextAreaElement>("#message")?.value === text, text)
  const log = (on = page) => on.getByRole("region", { name: "Messages in #" })
  const item = (text: string, on = page) => log(on).getByRole("listitem").filter({ hasText: text })
  const stored = (text: string, on = page) => log(on).locator("[data-seq]").filter({ hasText: text })
  const texts = (on = page) => log(on).locator("[data-seq] .words").allTextContents()
  const say = async (text: string, on = page) => {
    await field(on).fill(text)
    await field(on).press("Enter")
  }
  const somebody = async (options: object = {}) => {
    const client = await ChatClient.connect(started.socketUrl, { room, ...options })
    clients.push(client)
    await client.settled()
    return client
  }
  const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}.`)
  /** A room with so many messages in it. */
  const fill = async (count: number, from = 1) => {
    const client = await somebody()
    for (const line of lines(from, from + count - 1)) client.say(line, { from: "grace h" })
    await client.delivered(`line ${from + count - 1}.`)
    return client
  }
  const dialog = (on = page) => on.getByRole("dialog", { name: "Who are you?" })
  /** While it is open the page behind takes no focus, and so no key. */
  const closed = (on = page) => on.locator("dialog[open]").waitFor({ state: "hidden" })
  /** The title follows what is drawn. */
  const titled = (title: string) => page.waitForFunction((title) => document.title === title, title)
  const register = async (username: string, on = page) => {
    await on.getByRole("button", { name: "Sign in", exact: true }).click()
    await dialog(on).getByRole("button", { name: "Create account" }).first().click()
    await on.getByLabel("Username").fill(username)
    await on.getByLabel("Full name").fill("Ada Lovelace")
    await on.getByLabel("Password").fill(password)
    await dialog(on).locator("button[type=submit]").click()
    await on.getByRole("button", { name: "Sign out" }).waitFor()
    await closed(on)
    await live(on)
  }
  /** Nothing that axe finds, in light, in dark, and with more contrast. */
  const check = async (view: string) => {
    for (const [colorScheme, contrast] of schemes) {
      await page.emulateMedia({ colorScheme, contrast, reducedMotion: "reduce" })
      // Legacy mode gathers the results in the page itself, which has no frames, instead of in a new one each time.
      const axe = new AxeBuilder({ page }).setLegacyMode()
      // What is not colour is the same in all.
      const isFirst = colorScheme === "light" && contrast === "no-preference"
      const { violations } = await (isFirst ? axe : axe.withRules(["color-contrast"])).analyze()
      expect(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
        `${view}, ${colorScheme}, ${contrast}`
      ).toEqual([])
    }
  }
  const fromTop = () => log().evaluate((element) => element.scrollTop)
  const scrollTo = (top: number) => log().evaluate((element, top) => void (element.scrollTop = top), top)
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)

  describe("who talks", () => {
    it("two people chat: Enter sends, Shift+Enter breaks the line, one's own words stand apart under one's name", async () => {
      const other = await (await newContext()).newPage()
      await Promise.all([open(), open(other)])
      await register("ada_lovelace")
      await field().fill("first")
      await field().press("Shift+Enter")
      await field().pressSequentially("second")
      await field().press("Enter")
      expect(await field().inputValue()).toBe("")
      await stored("first").getByText("you", { exact: true }).waitFor()
      const seen = stored("first", other)
      await seen.getByText("ada_lovelace").waitFor()
      expect(await seen.getByText("guest", { exact: true }).count()).toBe(0)
      expect(await texts(other)).toEqual(["first\nsecond"])
      await say("hello there", other)
      await stored("hello there").getByText("guest", { exact: true }).waitFor()
      expect(await stored("hello there").getByText("you", { exact: true }).count()).toBe(0)
      await say("and again", other)
      await stored("and again").waitFor()
      // A key that comes before the page is drawn anew finds an empty field.
      await field(other).fill("quickly")
      const left = await field(other).evaluate((element: HTMLTextAreaElement) => {
        element.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }))
        return element.value
      })
      expect(left).toBe("")
      await stored("quickly").waitFor()
      // Under one name, and the exact time for who points at it.
      expect(await log().locator(".avatar").count()).toBe(1)
      expect(await stored("and again").locator("time").first().getAttribute("title")).toMatch(/\d\d:\d\d/)
      await other.context().close()
    })

    it("a guest chooses a name; one that is somebody's is refused at the message, which goes out under another", async () => {
      await api.somebody("grace_hopper")
      const talker = await somebody()
      await open()
      await page.getByRole("button", { name: "Change name" }).click()
      await dialog().getByLabel("Your name").fill("grace_hopper")
      // What is being written outlives what comes, and draws the page anew, meanwhile.
      talker.say("meanwhile", { from: "grace h" })
      await stored("meanwhile").waitFor({ state: "attached" })
      await dialog().locator("button[type=submit]").click()
      await closed()
      await say("it is me")
      await item("it is me").getByText("This name is taken").waitFor()
      await page.getByRole("button", { name: "Change name" }).click()
      await dialog().getByLabel("Your name").fill("not grace")
      await page.keyboard.press("Enter")
      await item("it is me").getByRole("button", { name: "Try again" }).click()
      await stored("it is me").waitFor()
      const watcher = await somebody({ since: 0 })
      expect(await watcher.delivered("it is me")).toMatchObject({ from: "not grace", guest: true })
      await say("x".repeat(17_000))
      await page.getByText("This message is too long.").waitFor()
      await item("This message is too long.").getByRole("button", { name: "Edit" }).click()
      await holds("x".repeat(17_000))
    })

    it("registers with errors at their fields, keeps the login over a reload, and signs out", async () => {
      await api.register("taken_name")
      await open()
      await page.getByRole("button", { name: "Sign in", exact: true }).click()
      await dialog().locator("button[type=submit]").click()
      await page.getByLabel("Username").fill("nobody_here")
      await page.getByLabel("Password").fill("wrong password")
      await dialog().locator("button[type=submit]").click()
      await page.getByText("Username or password is wrong.").waitFor()
      await dialog().getByRole("button", { name: "Create account" }).first().click()
      const username = page.getByLabel("Username")
      await username.fill("short")
      await dialog().locator("button[type=submit]").click()
      await page.locator("#field-username-wrong").waitFor()
      expect(await username.getAttribute("aria-invalid")).toBe("true")
      expect(await page.locator("#field-password-wrong, #field-full_name-wrong").count()).toBe(2)
      await username.fill("taken_name")
      await page.getByLabel("Full name").fill("Ada Lovelace")
      await page.getByLabel("Password").fill(password)
      await dialog().locator("button[type=submit]").click()
      await page.getByText("This username is taken.").waitFor()
      await page.getByRole("button", { name: "Close" }).click()
      await register("ada_byron")
      await say("under my name")
      await stored("under my name").getByText("ada_byron").waitFor({ state: "attached" })

      await page.reload()
      await page.getByRole("button", { name: "Sign out" }).waitFor()
      await stored("under my name").getByText("you", { exact: true }).waitFor()
      const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]))
      expect(kept).not.toMatch(/eyJ/)
      await page.getByRole("button", { name: "Sign out" }).click()
      await page.getByRole("button", { name: "Sign in", exact: true }).waitFor()
      await page.reload()
      await page.getByRole("button", { name: "Sign in", exact: true }).waitFor()
    })

    it("two tabs share a login: signed in in one is signed in in both, and signed out, too", async () => {
      const tab = await context.newPage()
      await Promise.all([open(), open(tab)])
      // What is behind is drawn once a second.
      await page.bringToFront()
      await register("tab_of_ada")
      await tab.bringToFront()
      await tab.getByRole("button", { name: "Sign out" }).waitFor()
      await live(tab)
      await say("from the other tab", tab)
      await stored("from the other tab").getByText("you", { exact: true }).waitFor()
      await tab.getByRole("button", { name: "Sign out" }).click()
      await page.getByRole("button", { name: "Sign in", exact: true }).waitFor()
      await live()
    })

    it("a session that was ended elsewhere says so, and does not come back by itself", async () => {
      await open()
      await register("ada_elsewhere")
      const { token } = await api.loggedIn("ada_elsewhere")
      await api.endSessions(token)
      await page.getByText("You were signed out, here or on another device.").waitFor()
      await page.getByRole("status").getByText("Signed out").waitFor()
      expect(await field().isDisabled()).toBe(true)
      await check("signed out")
      await page.getByRole("button", { name: "Go on as a guest" }).click()
      await live()
      await page.getByText("You speak as").waitFor()
    })
  })

  describe("the line", () => {
    it("without a network three messages wait, outlive a reload of the page, and go out once and in order", async () => {
      await open()
      const watcher = await somebody()
      await context.setOffline(true)
      await page.getByRole("status").getByText("Offline").waitFor()
      for (const text of ["one", "two", "three"]) await say(text)
      await item("three").getByText("Waiting for the line").waitFor()
      await page.getByText("3 to send").waitFor()
      watcher.say("meanwhile")
      await watcher.delivered("meanwhile")
      await context.setOffline(false)
      await watcher.delivered("three")
      await stored("three").waitFor()
      expect(watcher.messages.map(({ message }) => message)).toEqual(["meanwhile", "one", "two", "three"])
      await page.getByText("1 message that you missed is filled in below.").waitFor()
      expect(await texts()).toEqual(["meanwhile", "one", "two", "three"])
      expect(await log().locator(".outgoing").count()).toBe(0)
    })

    it("a reload loses nothing: neither what was said, nor what waits, nor what is half written", async () => {
      await open()
      await say("said")
      await stored("said").waitFor()
      const name = page.locator(".me bdi")
      const before = await name.textContent()
      await context.setOffline(true)
      await page.getByRole("status").getByText("Offline").waitFor()
      await say("still waiting")
      await item("still waiting").getByText("Waiting for the line").waitFor()
      await field().fill("half a sen")
      await page.waitForFunction(() => sessionStorage.getItem("parley.outbox")?.includes("still waiting"))
      await context.setOffline(false)
      await page.reload()
      await live()
      await stored("still waiting").getByText("you", { exact: true }).waitFor()
      expect(await texts()).toEqual(["said", "still waiting"])
      // Under another name it would be another message.
      expect(await name.textContent()).toBe(before)
      expect(await field().inputValue()).toBe("half a sen")
    })

    it("what is no message, however it is forged, is not shown and harms nothing", async () => {
      const forged: Array<string> = []
      const push = (pub: unknown, channel = room) => forged.push(JSON.stringify({ push: { channel, pub } }))
      const data = { from: "forger", message: "forged", date: "2026-01-01T00:00:00Z", id: "f" }
      for (const offset of [0, -5, 1.5, null, 1e300, [], {}]) push({ data, offset })
      push({ data, offset: 99 }, "another room")
      push({ offset: 99 })
      forged.push(
        "{}",
        "null",
        "[]",
        "1",
        '"text"',
        '{"id":424242,"publish":{}}',
        '{"push":{}}',
        '{"push":{"channel":"x"}}'
      )
      forged.push('{"push":{"__proto__":{"polluted":1},"channel":"x","pub":{"data":{},"offset":1}}}')
      await page.routeWebSocket(/connection\/websocket/, (socket) => {
        const onward = socket.connectToServer()
        onward.onMessage((message) => {
          socket.send(message)
          if (String(message).includes("subscribe")) for (const frame of forged) socket.send(frame)
        })
      })
      await open()
      await say("still here")
      await stored("still here").waitFor()
      expect(await texts()).toEqual(["still here"])
      expect(await page.evaluate(() => "polluted" in {})).toBe(false)
    })
  })

  describe("the log", () => {
    it("older messages come while scrolling up, and what is read does not move", async () => {
      await fill(330)
      await open()
      expect(await log().locator("[data-seq]").count()).toBe(100)
      await scrollTo(900)
      await page.getByRole("button", { name: "To the newest message" }).waitFor()
      const first = item("line 235.")
      const standsAt = () => first.evaluate((element) => element.getBoundingClientRect().top)
      await first.evaluate((element) => element.scrollIntoView())
      const before = await standsAt()
      await item("line 200.").waitFor({ state: "attached" })
      expect(Math.abs((await standsAt()) - before)).toBeLessThan(2)
      while ((await item("line 1.").count()) === 0) {
        await scrollTo(0)
        expect(await log().locator("[data-seq]").count()).toBeLessThanOrEqual(300)
      }
      await page.getByText(`This is where #${room} begins.`).waitFor({ state: "attached" })
      const seqs = await log()
        .locator("[data-seq]")
        .evaluateAll((items) => items.map((element) => Number(element.getAttribute("data-seq"))))
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1))
      await page.getByRole("button", { name: "To the newest message" }).click()
      await item("line 330.").waitFor()
      expect(await item("line 330.").isVisible()).toBe(true)
    })

    it("who reads further up is not moved by what comes, is told of it, and finds where it begins", async () => {
      const grace = await fill(60)
      await open()
      await page.getByRole("button", { name: "Preferences" }).click()
      await page.getByLabel("Count unread messages in the title").check()
      await page.getByRole("button", { name: "Close" }).click()
      await scrollTo(500)
      await page.getByRole("button", { name: "To the newest message" }).waitFor()
      const before = await fromTop()
      grace.say("news")
      grace.say("more news")
      await page.getByRole("button", { name: "2 new messages" }).waitFor()
      expect(await fromTop()).toBe(before)
      await titled(`(2) #${room} · Parley`)
      await page.getByRole("button", { name: "2 new messages" }).click()
      await item("more news").waitFor()
      expect(await log().locator(".divider + [data-seq]").textContent()).toContain("news")
      await page.getByRole("button", { name: "new messages" }).waitFor({ state: "detached" })
      await titled(`#${room} · Parley`)
      grace.say("the last one")
      await item("the last one").waitFor()
      expect(
        await log().evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop)
      ).toBeLessThan(2)
    })

    it("links, code and emoji are shown as such", async () => {
      await open()
      await say("see https://example.com/a. or `x < y`\n```ts\nconst a = 1\n```")
      const link = stored("see").getByRole("link")
      expect(await link.getAttribute("href")).toBe("https://example.com/a")
      expect(await link.getAttribute("rel")).toContain("noopener")
      expect(await stored("see").locator("code").allTextContents()).toEqual(["x < y", "const a = 1"])
      await page.getByRole("button", { name: "Emoji" }).click()
      await page.keyboard.press("ArrowRight")
      await page.keyboard.press("Enter")
      await field().and(page.locator(":focus")).waitFor()
      await field().press("Enter")
      await stored("😄").locator(".large").waitFor()
    })

    it("finds what is loaded, and leads to it", async () => {
      await fill(100)
      await open()
      await page.getByRole("button", { name: "Search in this room" }).click()
      await page.getByRole("searchbox").fill("LINE 7.")
      await page.getByText("1 found.").waitFor()
      await page
        .getByRole("search")
        .getByRole("button", { name: /line 7\./ })
        .click()
      await log().locator(".found").getByText("line 7.").waitFor()
      expect(await item("line 7.").first().isVisible()).toBe(true)
      await page.getByRole("searchbox").fill("no such thing")
      await page.getByText("Nothing found.").waitFor()
    })

    it("what comes is announced once; what history brings, what moves, and one's own words are not", async () => {
      const grace = await fill(150)
      await open()
      const announced = page.getByRole("log")
      await announced.evaluate((element) => {
        const said: Array<string> = []
        Object.assign(globalThis, { said })
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes) for (const node of addedNodes) said.push(node.textContent ?? "")
        }).observe(element, { childList: true, subtree: true })
      })
      await say("my own")
      await stored("my own").waitFor()
      grace.say("hear me", { from: "grace h" })
      await announced.getByText("hear me").waitFor({ state: "attached" })
      await scrollTo(0)
      await item("line 1.").waitFor({ state: "attached" })
      await page.getByRole("button", { name: "To the newest message" }).click()
      await stored("my own").waitFor()
      expect(await page.evaluate("said")).toEqual(["grace h: hear me"])
      // No other part of the page tells of it as well.
      expect(await page.locator("[aria-live]:not([role=log])").count()).toBe(0)
    })
  })

  describe("rooms", () => {
    it("the list has what is unread, each room keeps its draft, and back leads to the room before", async () => {
      const kitchen = `${room}-kitchen`
      await open()
      await field().fill("half a sen")
      await page.getByRole("textbox", { name: "Room", exact: true }).fill(`#${kitchen}`)
      await page.keyboard.press("Enter")
      await page.getByRole("region", { name: `Messages in #${kitchen}` }).waitFor()
      expect(new URL(page.url()).pathname).toBe(`/chat/${kitchen}`)
      expect(await field().inputValue()).toBe("")
      const list = page.getByRole("navigation", { name: "Rooms" })
      await list.getByRole("link", { name: room }).getByText("draft").waitFor()
      const grace = await somebody()
      grace.say("psst")
      grace.say("psst!")
      await list.getByRole("link", { name: room }).getByText("2 unread").waitFor()
      await page.goBack()
      await page.getByRole("region", { name: `Messages in #${room}` }).waitFor()
      await stored("psst!").waitFor()
      expect(await log().locator(".divider").count()).toBe(1)
      expect(await field().inputValue()).toBe("half a sen")
      expect(await list.getByText("unread").count()).toBe(0)
      await page.reload()
      await live()
      await list.getByRole("link", { name: kitchen }).waitFor()
      await list.getByRole("listitem").filter({ hasText: kitchen }).hover()
      await list.getByRole("button", { name: `Leave #${kitchen}` }).click()
      await list.getByRole("link", { name: kitchen }).waitFor({ state: "detached" })
    })

    it("who asked for it is notified of what comes while the page is out of sight, and nobody else", async () => {
      await context.addInitScript(`
        globalThis.notified = []
        globalThis.Notification = class extends EventTarget {
          static permission = "granted"
          static requestPermission = () => Promise.resolve("granted")
          constructor(title, { body }) { super(); notified.push(title + ": " + body) }
        }
        Object.defineProperty(document, "hidden", { get: () => globalThis.outOfSight === true })
      `)
      const grace = await somebody()
      await open()
      await page.evaluate("outOfSight = true")
      grace.say("not asked for", { from: "grace h" })
      await stored("not asked for").waitFor()
      await page.evaluate("outOfSight = false")
      await page.getByRole("button", { name: "Preferences" }).click()
      await page.getByLabel("Notify me on the desktop").check()
      await page.getByRole("button", { name: "Close" }).last().click()
      grace.say("seen", { from: "grace h" })
      await stored("seen").waitFor()
      await page.evaluate("outOfSight = true")
      grace.say("hello?", { from: "grace h" })
      await expect.poll(() => page.evaluate("notified.length")).toBeGreaterThan(0)
      expect(await page.evaluate("notified")).toEqual([`grace h in #${room}: hello?`])
    })

    it("a private room says that it is one", async () => {
      await page.goto(`${started.url}/chat/$secret`)
      await page.getByText("This room is private: you may not enter it.").waitFor()
    })

    it("the flow by keyboard alone: skip to the field, write, sign up, join a room, search, come back", async () => {
      await open()
      const press = async (...keys: ReadonlyArray<string>) => {
        for (const key of keys) await page.keyboard.press(key)
      }
      /** Tab, until the focus is there. */
      const tabTo = async (locator: ReturnType<Page["locator"]>, key = "Tab") => {
        for (let presses = 0; presses < 60; presses += 1) {
          if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return
          await page.keyboard.press(key)
        }
        throw new Error("the focus does not come there by Tab")
      }
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
      await tabTo(page.getByRole("link", { name: "To the message field" }))
      await press("Enter")
      await tabTo(field())
      await page.keyboard.type("by keyboard")
      await press("Enter")
      await stored("by keyboard").waitFor()
      await tabTo(page.getByRole("button", { name: "Sign in", exact: true }), "Shift+Tab")
      await press("Enter")
      await tabTo(dialog().getByRole("button", { name: "Create account" }).first(), "Shift+Tab")
      await press("Enter")
      await tabTo(page.getByLabel("Username"))
      await page.keyboard.type("keyboard_ada")
      await press("Tab")
      await page.keyboard.type("Ada Lovelace")
      await press("Tab")
      await page.keyboard.type(password)
      await press("Enter")
      await page.getByRole("button", { name: "Sign out" }).waitFor()
      await live()
      await tabTo(page.getByRole("textbox", { name: "Room", exact: true }), "Shift+Tab")
      await page.keyboard.type(`${room}-2`)
      await press("Enter")
      await page.getByRole("region", { name: `Messages in #${room}-2` }).waitFor()
      await tabTo(page.getByRole("link", { name: room, exact: true }), "Shift+Tab")
      await press("Enter")
      await stored("by keyboard").waitFor()
      await tabTo(page.getByRole("button", { name: "Search in this room" }))
      await press("Enter")
      await page.getByRole("searchbox").and(page.locator(":focus")).waitFor()
      await page.keyboard.type("keyboard")
      await page.getByText("1 found.").waitFor()
      await press("Escape")
      await log().and(page.locator(":focus")).waitFor()
      await tabTo(field())
    })
  })

  describe("what others wrote", () => {
    it(`none of ${xssCorpus.length} payloads runs or changes, in names, messages and names of rooms, and the policy has nothing to report`, async () => {
      const attacker = await somebody()
      await open()
      for (const payload of xssCorpus) attacker.say(payload, { from: payload })
      // A name may be refused; its text goes out under another.
      for (const payload of xssCorpus) attacker.say(payload, { from: "attacker" })
      attacker.say("the end")
      await stored("the end").waitFor()
      const shown = await log()
        .locator("[data-seq]")
        .evaluateAll((items) =>
          items.map((one) => [one.querySelector("bdi")?.textContent, one.querySelector(".words")?.textContent])
        )
      // Code in back-ticks loses them: nothing else changes.
      const asShown = (text: string) => text.replaceAll(/`([^`\n]+)`/g, "$1")
      for (const payload of xssCorpus) expect(shown).toContainEqual(["attacker", asShown(payload)])
      expect(shown.filter(([from, text]) => asShown(from ?? "") === text).length).toBeGreaterThanOrEqual(60)
      expect(
        await log().locator(":is(script, img, iframe, object, embed, form, style, base, link, math, video)").count()
      ).toBe(0)
      const links = await log()
        .getByRole("link")
        .evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""))
      for (const href of links) expect(href).toMatch(/^(https?|mailto):/)

      // By the address and by the form.
      const asked = xssCorpus.filter((text) => !/^[\w.:-]+$/.test(text))
      const answered = await page.evaluate(async (asked) => {
        const [input, form] = [
          document.querySelector<HTMLInputElement>("#room"),
          document.querySelector<HTMLFormElement>(".join")
        ]
        const answers: Array<string | undefined> = []
        for (const text of asked) {
          if (input !== null) input.value = text
          input?.dispatchEvent(new Event("input", { bubbles: true }))
          form?.requestSubmit()
          await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 0)))
          answers.push(document.querySelector("#room-wrong bdi")?.textContent)
        }
        return answers
      }, asked)
      expect(answered).toEqual(asked)
      for (const payload of xssCorpus.slice(0, 6)) {
        await page.goto(`${started.url}/chat?room=${encodeURIComponent(payload)}`)
        await page.getByRole("alert").getByText(`“${payload}” is no room’s name.`).waitFor()
      }
    })

    it("no script can make HTML out of a string", async () => {
      await open()
      const reported = page.waitForEvent("console", (said) => said.text() === "policy require-trusted-types-for")
      const outcome = await page.evaluate(() => {
        try {
          document.body.innerHTML = "<img src=x>"
          return "made"
        } catch {
          return "refused"
        }
      })
      expect(outcome).toBe("refused")
      await reported
      troubles = troubles.filter((text) => !/TrustedHTML|require-trusted-types-for/.test(text))
    })
  })

  describe("its looks", () => {
    it("have nothing that axe finds on any view, light or dark", async () => {
      const grace = await somebody()
      await open()
      await check("empty")
      for (let n = 0; n < 12; n += 1) grace.say("hello `code` https://example.com", { from: `author ${n}` })
      grace.say("```ts\nconst a = 1\n```")
      await say("mine")
      await stored("mine").waitFor()
      await say("x".repeat(17_000))
      await page.getByText("This message is too long.").waitFor()
      await page.getByRole("button", { name: "Emoji" }).click()
      await page.getByRole("button", { name: "Search in this room" }).click()
      await page.getByRole("searchbox").fill("mine")
      await page.getByText("found.").waitFor()
      await check("chat, search and a failed message")
      await page.getByRole("button", { name: "Discard" }).click()
      await page.getByRole("button", { name: "For developers" }).click()
      await check("for developers")
      await page.keyboard.press("Escape")
      await page.getByRole("button", { name: "Preferences" }).click()
      await check("preferences")
      await page.getByRole("button", { name: "Close" }).last().click()
      await page.setViewportSize({ width: 360, height: 640 })
      await check("chat, narrow")
      await page.getByRole("button", { name: "Rooms" }).click()
      await check("drawer")
      await page.getByRole("button", { name: "Sign in", exact: true }).click()
      await dialog().getByRole("button", { name: "Create account" }).first().click()
      await dialog().locator("button[type=submit]").click()
      await page.locator("#field-username-wrong").waitFor()
      await check("sign up, with errors")
      await page.keyboard.press("Escape")
      await context.setOffline(true)
      await page.getByText("You are offline.").waitFor()
      await check("offline")
      await context.setOffline(false)
      await page.goto(`${started.url}/chat/$secret`)
      await page.getByText("This room is private: you may not enter it.").waitFor()
      await check("a private room")
    })

    it("need no more width than the narrowest telephone has", async () => {
      await page.setViewportSize({ width: 320, height: 600 })
      const grace = await somebody()
      grace.say("w".repeat(400), { from: "w".repeat(30) })
      await open()
      expect(await overflow()).toBe(0)
      expect(await log().evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
      await page.getByRole("button", { name: "Rooms" }).click()
      await page.getByRole("link", { name: "API" }).waitFor()
      expect(await overflow()).toBe(0)
    })
  })

  describe("and a server that goes", () => {
    it("killed and started again, the page recovers by itself, with the gap filled; a token that expires is renewed unnoticed", async () => {
      await open()
      await register("ada_recovers")
      await say("before")
      await stored("before").waitFor()
      const { port } = new URL(started.url)
      const socketPort = new URL(started.socketUrl).port
      await started.stop("SIGKILL")
      await page.getByRole("status").getByText("Reconnecting").waitFor()
      await say("written meanwhile")
      // What somebody else says before the page is back.
      await context.setOffline(true)
      started = await server.up({
        ...unlimited,
        APP_PORT: port,
        APP_PORT_SOCKET: socketPort,
        ACCESS_TOKEN_TTL: "4 seconds"
      })
      api = new ApiClient(started.url)
      const grace = await somebody()
      grace.say("missed")
      await grace.delivered("missed")
      await context.setOffline(false)
      await stored("written meanwhile").waitFor()
      await page.getByText("1 message that you missed is filled in below.").waitFor()
      expect(await texts()).toEqual(["before", "missed", "written meanwhile"])

      await page.reload()
      await live()
      const states: Array<string> = []
      await page.exposeFunction("stateWas", (text: string) => states.push(text))
      await page.evaluate(`new MutationObserver(() => stateWas(document.querySelector(".status [role=status]").textContent))
        .observe(document.querySelector(".status"), { subtree: true, characterData: true, childList: true })`)
      const renewed = () =>
        page.waitForResponse((response) => response.url().endsWith("/refresh-token") && response.ok())
      await renewed()
      await renewed()
      await say("under a third token")
      await stored("under a third token").getByText("you", { exact: true }).waitFor()
      expect(states.filter((state) => state !== "Live")).toEqual([])
    })
  })
})
