import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import type { LoggedIn } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"

/** The newest page is answered from memory where somebody is in the room and the token was seen a moment ago. */
describe("the newest page of a room that is in memory", () => {
  const server = new ServerProcess()
  let started: Started
  let api: ApiClient
  let one: LoggedIn
  let inRoom: ChatClient
  beforeAll(async () => {
    started = await server.up({ ...unlimited, RATE_LIMIT_PER_MINUTE: "1000" })
    api = new ApiClient(started.url)
    one = await api.somebody("somebody1")
    inRoom = await ChatClient.connect(started.socketUrl, { room: "busy" })
    for (let count = 1; count <= 130; count++) inRoom.say(`message ${count} <é😀>`)
    await inRoom.delivered("message 130 <é😀>")
  })
  afterAll(() => server.remove())

  it("has the body and the headers of the same page from the routes", async () => {
    await api.history(one.token, "?room=busy&limit=1")
    const fromMemory = await api.history(one.token, "?room=busy")
    const fromRoutes = await api.history(one.token, "?room=busy&limit=100")
    expect(fromMemory.text).toBe(fromRoutes.text)
    expect(JSON.parse(fromMemory.text)).toHaveLength(100)
    const own = new Set(["date", "x-request-id", "ratelimit", "keep-alive"])
    const rest = ({ headers }: typeof fromMemory) => [...headers].filter(([name]) => !own.has(name))
    expect(rest(fromMemory)).toEqual(rest(fromRoutes))
    const left = ({ headers }: typeof fromMemory) => Number(/r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1])
    expect(left(fromMemory) - left(fromRoutes)).toBe(1)
  })

  it("is refused with the next request after the logout", async () => {
    const leaving = await api.loggedIn(one.username)
    for (let turn = 0; turn < 3; turn++) expect((await api.history(leaving.token, "?room=busy")).status).toBe(200)
    expect((await api.logout(leaving.token)).status).toBe(204)
    expect((await api.history(leaving.token, "?room=busy")).status).toBe(401)
  })

  it("shows a message right after it was delivered, and none of another room", async () => {
    const other = await ChatClient.connect(started.socketUrl, { room: "quiet" })
    other.say("elsewhere")
    await other.delivered("elsewhere")
    inRoom.say("the newest")
    await inRoom.delivered("the newest")
    const texts = (reply: { readonly text: string }) =>
      (JSON.parse(reply.text) as ReadonlyArray<{ readonly message: string }>).map(({ message }) => message)
    expect(texts(await api.history(one.token, "?room=busy")).at(-1)).toBe("the newest")
    expect(texts(await api.history(one.token, "?room=quiet"))).toEqual(["elsewhere"])
    expect(texts(await api.history(one.token))).toEqual([])
    await other.close()
  })

  it("counts against the limit like any request: 429 when nothing is left", async () => {
    for (;;) {
      const reply = await api.history(one.token, "?room=busy")
      if (reply.status === 200) continue
      expect(reply.status).toBe(429)
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0)
      expect(reply.headers.get("content-type")).toContain("application/problem+json")
      return
    }
  })
})
