import { once } from "node:events"
import { createServer } from "node:http"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest"
import type { Browser, Page } from "playwright-core"
import { ChatClient } from "../support/ChatClient.ts"
import { launchChromium, noChromium } from "../support/Chromium.ts"
import { ServerProcess } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { chatPage, clientScript, onPortsOf } from "./SeedExamples.ts"

await onEachStores("the client examples of the seed's README in a browser", (stores) => {
  const server = new ServerProcess(stores)
  let browser: Browser | undefined
  let started: Started
  let pages: Server
  beforeAll(async () => {
    if (noChromium !== undefined) return
    browser = await launchChromium()
    // As they stand where the ports are free; 4000 and 8080 are the defaults.
    const asItStands = await server.start({ APP_PORT: "", APP_PORT_SOCKET: "" })
    started = asItStands.url === "" ? await server.up() : asItStands
    pages = createServer((request, response) => {
      response.setHeader("content-type", "text/html")
      response.end(request.url === "/" ? onPortsOf(chatPage, started) : "<!DOCTYPE html><title>empty</title>")
    }).listen(0, "127.0.0.1")
    await once(pages, "listening")
  })
  afterAll(async () => {
    await browser?.close()
    pages?.close()
    await server.remove()
  })
  beforeEach((test) => test.skip(browser === undefined, noChromium))

  /** A page of another port of localhost. */
  const open = async (path: string): Promise<Page> => {
    if (browser === undefined) throw new Error("no browser")
    const page = await browser.newPage()
    await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}${path}`)
    return page
  }

  it("the page, served from another port of localhost, chats: what one sends all see", async () => {
    const [one, other] = await Promise.all([open("/"), open("/")])
    const socketIsOpen = "socket.readyState === WebSocket.OPEN"
    await Promise.all([one, other].map((page) => page.waitForFunction(socketIsOpen)))
    const watcher = await ChatClient.connect(started.socketUrl, { since: 0 })
    await watcher.settled()
    await one.getByPlaceholder("Type your message...").fill("Hello from the page")
    await one.getByRole("button", { name: "Send" }).click()
    for (const page of [one, other]) {
      await page.getByText("Hello from the page").waitFor()
      expect(await page.locator("#messages p").allTextContents()).toEqual(["currentUser: Hello from the page"])
    }
    expect(await one.getByPlaceholder("Type your message...").inputValue()).toBe("")
    expect(await watcher.delivered("Hello from the page")).toMatchObject({ from: "currentUser", guest: true })
  })

  it("the script, typed into the console of such a page, sends and prints what comes back", async () => {
    const page = await open("/empty")
    const printed = page.waitForEvent("console")
    // Its first statement makes a socket, which nobody may send to in the same task; the rest follows when it is open.
    const [connect = "", ...rest] = onPortsOf(clientScript, started).split("\n\n")
    await page.addScriptTag({ content: connect })
    await page.waitForFunction("socket.readyState === WebSocket.OPEN")
    await page.addScriptTag({ content: rest.join("\n\n") })
    expect((await printed).text()).toBe("username: Hello, World!")
  })
})
