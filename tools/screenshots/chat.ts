/** The chat page, for the README: `npm run screenshots:chat`. A short conversation, then a picture in each scheme, size and state. */
import { ApiClient, password } from "../../test/support/ApiClient.ts"
import { ChatClient } from "../../test/support/ChatClient.ts"
import { launchChromium } from "../../test/support/Chromium.ts"
import { ServerProcess, unlimited } from "../../test/support/ServerProcess.ts"
import { gallery, phone } from "./Gallery.ts"

const wide = { width: 1180, height: 800 }

const said = [
  ["grace_hopper", "Morning! Is the release still on for noon?"],
  ["grace_hopper", "I have the notes here: https://example.com/notes/7"],
  ["alan_turing", "It is. One thing is left: the page says nothing when a gap was filled."],
  ["ada_lovelace", "That is done, I am looking at it now"],
  [
    "ada_lovelace",
    '```ts\nlobby.on("publication", ({ data, offset }) => {\n  console.log(offset, data.from, data.message)\n})\n```'
  ],
  ["margaret.h", "Ran it on the train, tunnel and all. Three messages waited and went out in order, once."],
  ["alan_turing", "Then I write the announcement. `npm ci && npm start` stays all there is to do?"]
] as const

const server = new ServerProcess()
const started = await server.up({ ...unlimited, DASHBOARD: "open" })
const api = new ApiClient(started.url)
const browser = await launchChromium()
try {
  const { page, take } = await gallery(browser)
  const context = page.context()
  const open = async (path: string): Promise<void> => {
    await page.goto(`${started.url}${path}`)
    await page.getByRole("status").getByText("Live", { exact: true }).waitFor()
    await page.locator(".room-log .scroll[aria-busy=false]").waitFor()
  }
  const each = async (name: string): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
      await take(`${name}-${colorScheme}`)
    }
  }
  const names = [...new Set(said.map(([from]) => from))]
  const people = new Map<string, ChatClient>()
  for (const name of names) {
    const { token } = await api.somebody(name)
    const headers = { authorization: `Bearer ${token}` }
    people.set(name, await ChatClient.connect(started.socketUrl, { room: "release-week", headers }))
  }
  for (const [from, text] of said) {
    people.get(from)?.say(text)
    await people.get(from)?.delivered(text)
  }
  await page.setViewportSize(wide)
  for (const room of ["lobby", "on-call", "kitchen"]) await open(`/chat/${room}`)
  await take("chat-empty-light")
  await page.getByRole("button", { name: "Sign in", exact: true }).click()
  await page.getByLabel("Username").fill("ada_lovelace")
  await page.getByLabel("Password").fill(password)
  await page.keyboard.press("Enter")
  await page.getByRole("button", { name: "Sign out" }).waitFor()
  await open("/chat/release-week")
  for (const [room, count] of [
    ["lobby", 3],
    ["on-call", 12]
  ] as const) {
    const visitor = await ChatClient.connect(started.socketUrl, { room })
    for (let n = 1; n <= count; n += 1) visitor.say(`message ${n}`)
    await visitor.delivered(`message ${count}`)
  }
  await page.getByText("12 unread").waitFor({ state: "attached" })
  await page.locator("#message").fill("Yes, and nothing to install but Node")
  await each("chat")
  await page.setViewportSize(phone)
  await each("chat-phone")
  await page.getByRole("button", { name: "Rooms" }).click()
  await take("chat-phone-rooms-dark")
  await page.keyboard.press("Escape")
  await page.setViewportSize(wide)
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" })
  await context.setOffline(true)
  await page.getByText("You are offline.").waitFor()
  await page.locator("#message").press("Enter")
  await page.getByText("Waiting for the line").waitFor()
  await take("chat-offline-light")
  await context.setOffline(false)
  await page.locator(".outgoing").waitFor({ state: "detached" })
  await page.getByRole("button", { name: "Sign out" }).click()
  await page.getByRole("button", { name: "Sign in", exact: true }).click()
  await page.getByRole("button", { name: "Create account" }).first().click()
  await page.getByLabel("Username").fill("ada")
  await page.getByLabel("Full name").fill("Ada")
  await page.locator("dialog button[type=submit]").click()
  await page.locator("#field-username-wrong").waitFor()
  await take("chat-error-light")
} finally {
  await browser.close()
  await server.remove()
}
