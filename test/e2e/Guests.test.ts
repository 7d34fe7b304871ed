import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

await onEachStores("a guest", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up(unlimited)
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  it("talks, and his messages say so on every wire", async () => {
    const client = await ChatClient.connect(started.socketUrl, { room: "guests", since: 0 })
    client.say("hello", { from: "wanderer" })
    expect(await client.delivered("hello")).toMatchObject({ from: "wanderer", guest: true })
    const { token } = await api.somebody("reader")
    expect(await api.log(token, "guests")).toMatchObject([{ from: "wanderer", guest: true }])
    await client.close()
  })

  it.each([
    "system",
    "SYSTEM",
    "5ystem",
    "sys\u200Btem",
    "ｓｙｓｔｅｍ",
    "",
    " ",
    "a\nb",
    "\u202Eevil",
    "x".repeat(65)
  ])("never speaks as %j", async (from) => {
    const client = await ChatClient.connect(started.socketUrl)
    const answer = await client.answerTo({ from, message: "hello" })
    expect(answer.error).toMatchObject({ code: "name_reserved", retryable: false })
    expect((await api.register(from)).status).toBeGreaterThanOrEqual(400)
    await client.close()
  })

  it("never speaks under a name that is an account's", async () => {
    await api.register("somebody")
    const client = await ChatClient.connect(started.socketUrl)
    const answer = await client.answerTo({ from: "somebody", message: "hello" })
    expect(answer.error).toMatchObject({ code: "name_taken", retryable: false })
    await client.close()
  })

  it("loses his name before its registration is answered, and what he said stays a guest's", async () => {
    for (let round = 0; round < 5; round++) {
      const name = `claimed${round}`
      const guest = await ChatClient.connect(started.socketUrl, { room: name, since: 0 })
      // He talks without a pause while it is registered.
      let next = 0
      const talk = () => guest.say(`message ${(next += 1)}`, { from: name })
      guest.each(({ error }) => {
        if (error === undefined) talk()
      })
      for (let n = 0; n < 8; n++) talk()
      await guest.until(() => guest.frames.length > 20)
      expect((await api.register(name)).status).toBe(201)
      // Sent after the 201.
      guest.say("after", { from: name })
      await guest.until(() => guest.frames.filter(({ error }) => error?.code === "name_taken").length > 8)
      const { token } = await api.loggedIn(name)
      const owner = await ChatClient.connect(started.socketUrl, { room: name, headers: bearer(token), since: 0 })
      owner.say("mine now")
      await Promise.all([owner.delivered("mine now"), guest.delivered("mine now")])
      const last = owner.messages.at(-1)
      expect(last).toMatchObject({ from: name, message: "mine now" })
      expect(last).not.toHaveProperty("guest")
      expect(owner.messages.slice(0, -1).every(({ guest }) => guest === true)).toBe(true)
      expect(owner.messages.map(({ message }) => message)).not.toContain("after")
      await Promise.all([guest.close(), owner.close()])
    }
  })

  it("neither speaks nor reads where GUESTS=deny, and may log in by his first frame", async () => {
    const closed = new ServerProcess(stores)
    try {
      const { socketUrl, url } = await closed.up({ ...unlimited, GUESTS: "deny" })
      const guest = await ChatClient.connect(socketUrl, { since: 0 })
      expect((await guest.answerTo({ from: "guest", message: "hello" })).error).toMatchObject({
        code: "forbidden",
        retryable: false
      })
      const { token } = await new ApiClient(url).somebody("member")
      const member = await ChatClient.connect(socketUrl, { headers: bearer(token) })
      member.say("among ourselves")
      await member.delivered("among ourselves")
      expect(guest.messages).toEqual([])
      expect((await guest.answerTo({ type: "auth", token })).auth?.username).toBe("member")
      // From here on he reads, and what he missed since the position that he asked for.
      await guest.delivered("among ourselves")
    } finally {
      await closed.remove()
    }
  })
})
