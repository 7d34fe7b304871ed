import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createHash } from "node:crypto"
import { layer } from "../../../../src/adapters/http/page/ChatPage.ts"

const page = HttpRouter.toWebHandler(
  layer({ apiPort: () => 4000, socketPort: () => 8080 }).pipe(Layer.provideMerge(HttpServer.layerServices)),
  { disableLogger: true }
)
const get = (path: string, headers: Record<string, string> = {}) =>
  page.handler(new Request(`http://localhost:4000${path}`, { headers: { host: "localhost:4000", ...headers } }))
const policyFor = async (host: string) => (await get("/", { host })).headers.get("content-security-policy") ?? ""

describe("the chat page's routes", () => {
  let shell = ""
  beforeAll(async () => {
    shell = await (await get("/")).text()
  })
  afterAll(() => page.dispose())

  it("serves the same shell at / and /chat", async () => {
    expect(await (await get("/chat?room=x")).text()).toBe(shell)
    expect((await get("/")).headers.get("content-type")).toBe("text/html; charset=utf-8")
  })

  it("allows of inline scripts its import map alone, by the hash of its very text", async () => {
    const inline = [...shell.matchAll(/<script(?![^>]* src=)[^>]*>([\s\S]*?)<\/script>/g)].map(
      (match) => match[1] ?? ""
    )
    expect(inline.length).toBe(1)
    const hash = createHash("sha256")
      .update(inline[0] ?? "")
      .digest("base64")
    const policy = await policyFor("localhost:4000")
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`)
    expect(policy).not.toContain("unsafe")
    expect(shell).not.toMatch(/ style=|<style| on[a-z]+=/)
  })

  it("lets it connect to the socket port of the host that was asked for, and to nobody whom a host header makes up", async () => {
    expect(await policyFor("chat.example:4000")).toContain(
      "connect-src 'self' ws://chat.example:8080 ws://chat.example:4000 wss://chat.example:4000;"
    )
    for (const host of ["a; script-src *", "a b", "a,b", "*", "-a", "[::1]:4000", "a:4000:1", "a'"]) {
      expect(await policyFor(host)).toContain("connect-src 'self';")
    }
  })

  it("serves every file that the shell names, and every module that these import", async () => {
    const names = new Set([...shell.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? ""))
    for (const name of names) {
      const response = await get(name)
      expect(response.status, name).toBe(200)
      const text = await response.text()
      if (!name.endsWith(".js")) continue
      expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8")
      for (const [, module] of text.matchAll(/from "\.\/([^"]+)"/g)) expect(names).toContain(`/assets/${module}`)
    }
    expect(names.size).toBeGreaterThan(15)
  })

  it("answers 304 to who has the file already", async () => {
    const etag = (await get("/assets/app.js")).headers.get("etag") ?? ""
    expect(etag).toMatch(/^"[\w-]{20,}"$/)
    expect((await get("/assets/app.js", { "if-none-match": `W/${etag}, "x"` })).status).toBe(304)
    expect((await get("/assets/app.js", { "if-none-match": '"x"' })).status).toBe(200)
  })

  it("serves nothing else, by whatever path", async () => {
    const paths = [
      "/assets/",
      "/assets/none.js",
      "/assets/../ChatPage.ts",
      "/assets/%2e%2e/ChatPage.ts",
      "/assets/..%2fChatPage.ts",
      "/assets/..%5cChatPage.ts",
      "/assets/%00app.js",
      "/assets/app.js/x"
    ]
    for (const path of paths) expect((await get(path)).status, path).toBe(404)
  })
})
