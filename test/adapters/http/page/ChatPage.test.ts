import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createHash } from "node:crypto"
import { gunzipSync, gzipSync } from "node:zlib"
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

  it("serves the same shell at /, /chat and every room", async () => {
    for (const path of ["/chat", "/chat?room=x", "/chat/kitchen", "/chat/$a:b.c-d_1"]) {
      expect(await (await get(path)).text(), path).toBe(shell)
    }
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

  it("serves every file that the shell names, and every module that these import, and preloads them all", async () => {
    const names = new Set([...shell.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? ""))
    const map: unknown = JSON.parse(/<script type="importmap">([^<]*)/.exec(shell)?.[1] ?? "")
    const { imports } = map as { readonly imports: Readonly<Record<string, string>> }
    const modules = [...names].filter((name) => /\.m?js$/.test(name))
    const queue = [...names]
    for (const name of queue) {
      const response = await get(name)
      expect(response.status, name).toBe(200)
      const text = await response.text()
      if (!/\.m?js$/.test(name)) continue
      expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8")
      for (const [, specifier = ""] of text.matchAll(/^(?:import|export)\b(?:[^"';=]*\bfrom)? ?["']([^"']+)["']/gm)) {
        const module = imports[specifier] ?? new URL(specifier, `http://localhost${name}`).pathname
        if (!queue.includes(module)) queue.push(module)
        expect(modules.includes(module) || module.includes("/uc.micro/") || module.includes("/lib/"), module).toBe(true)
      }
    }
    expect(queue.length).toBeGreaterThan(30)
  })

  it("is at most 80 KB in all, as it goes over the line", async () => {
    const sizes = new Map<string, number>()
    const gzip = { "accept-encoding": "gzip, br" }
    const add = async (name: string) => {
      const response = await get(name, gzip)
      const body = Buffer.from(await response.arrayBuffer())
      const isPacked = response.headers.get("content-encoding") === "gzip"
      sizes.set(name, isPacked ? body.byteLength : gzipSync(body).byteLength)
      return isPacked ? gunzipSync(body).toString() : body.toString()
    }
    const queue = ["/chat"]
    for (const name of queue) {
      const text = await add(name)
      const found = [...text.matchAll(/"(\/assets\/[^"]+)"/g), ...text.matchAll(/from ["'](\.[^"']+)["']/g)]
      for (const [, path = ""] of found) {
        const next = new URL(path, `http://localhost${name}`).pathname
        // What the other page alone needs is in the import map, too.
        if (!queue.includes(next) && !next.includes("uplot")) queue.push(next)
      }
    }
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    expect(total, JSON.stringify([...sizes])).toBeLessThan(80_000)
    expect(sizes.size).toBeGreaterThan(30)
  })

  it("packs its files, and itself, for who takes that, and for nobody else", async () => {
    const packed = await get("/assets/app.js", { "accept-encoding": "gzip" })
    const plain = await get("/assets/app.js")
    expect(packed.headers.get("content-encoding")).toBe("gzip")
    expect(packed.headers.get("vary")).toBe("accept-encoding")
    expect(plain.headers.get("content-encoding")).toBeNull()
    expect(gunzipSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(await plain.text())
    const shellPacked = await get("/", { "accept-encoding": "br, gzip" })
    expect(gunzipSync(Buffer.from(await shellPacked.arrayBuffer())).toString()).toBe(shell)
    expect((await get("/assets/app.js", { "if-none-match": packed.headers.get("etag") ?? "" })).status).toBe(304)
  })

  it("tells a program what this is and where to connect, and a reader without scripts the same", async () => {
    const response = await get("/", { accept: "application/json" })
    expect(await response.json()).toMatchObject({
      name: "Parley",
      docs: "http://localhost:4000/docs",
      sockets: {
        centrifugo: "ws://localhost:4000/connection/websocket",
        classic: "ws://localhost:4000/message/v1/send"
      }
    })
    expect(shell).toContain("ws://localhost:4000/connection/websocket")
    expect(shell).toContain('href="/docs"')
    expect(await (await get("/", { host: "<script>", accept: "text/html" })).text()).not.toContain('<script>"')
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
