import { afterAll, beforeAll, expect, it } from "vitest"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import type { ApiReply, LoggedIn } from "../support/ApiClient.ts"
import { endAmidAFlood } from "../support/AmidAFlood.ts"
import { ChatClient } from "../support/ChatClient.ts"
import type { Closed } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"
import { claimsOf, forge, secret } from "./ForgedToken.ts"

await onEachStores("a socket's token", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let api: ApiClient
  beforeAll(async () => {
    started = await server.up({ ...unlimited, JWT_SECRET: secret })
    api = new ApiClient(started.url)
  })
  afterAll(() => server.remove())

  let people = 0
  const somebody = () => api.somebody(`somebody${(people += 1)}`)

  /** The three ways a token comes in. */
  const ways: Readonly<Record<string, (token: string) => Promise<ChatClient>>> = {
    "the header": (token) => ChatClient.connect(started.socketUrl, { headers: bearer(token) }),
    "the subprotocol": (token) => ChatClient.connect(started.socketUrl, { protocols: ["bearer", token] }),
    "the first frame": async (token) => {
      const client = await ChatClient.connect(started.socketUrl)
      client.send({ type: "auth", token })
      return client
    }
  }

  it.each(Object.entries(ways))("by %s makes what is said the account's, whatever name is sent", async (_, connect) => {
    const { token, username } = await somebody()
    const client = await connect(token)
    client.say("it is me", { from: "somebody else" })
    const message = await client.delivered("it is me")
    expect(message.from).toBe(username)
    expect(message).not.toHaveProperty("guest")
    client.send({ message: "and without a name" })
    expect((await client.delivered("and without a name")).from).toBe(username)
    await client.close()
  })

  it("by subprotocol is never sent back", async () => {
    const { token } = await somebody()
    const client = await ChatClient.connect(started.socketUrl, { protocols: ["bearer", token] })
    expect(client.socket.protocol).toBe("bearer")
    await client.close()
  })

  it("by frame is confirmed, and a fresh one of the same user goes on; another user's ends the socket", async () => {
    const one = await somebody()
    const client = await ChatClient.connect(started.socketUrl)
    for (const { token } of [one, await api.loggedIn(one.username)]) {
      expect(await client.answerTo({ type: "auth", token })).toMatchObject({ auth: { username: one.username } })
    }
    const other = await somebody()
    client.send({ type: "auth", token: other.token })
    expect((await client.closed).code).toBe(4500)
  })

  /** One session for all whose token is only looked at. */
  let shared: LoggedIn
  beforeAll(async () => {
    shared = await somebody()
  })
  const forged = (options: Parameters<typeof forge>[1]) => () => Promise.resolve(forge(shared.token, options))
  const inThePast = Math.floor(Date.now() / 1_000) - 60
  const bad: ReadonlyArray<readonly [what: string, token: () => Promise<string>, code: number]> = [
    ["an expired", forged({ claims: { exp: inThePast }, key: secret }), 4001],
    ["a foreign", forged({ key: "somebody else's secret of 32 bytes" }), 4500],
    ["an unsigned", forged({ header: { alg: "none" } }), 4500],
    ["a never-ending", forged({ claims: { exp: undefined }, key: secret }), 4500],
    ["a foreign key's", forged({ header: { jku: "http://127.0.0.1/", kid: "../x" }, key: "x" }), 4500],
    ["a refresh", () => Promise.resolve(shared.refreshToken), 4500],
    [
      "a revoked",
      async () => {
        const { token } = await api.loggedIn(shared.username)
        await api.logout(token)
        return token
      },
      4502
    ],
    ["a garbled", () => Promise.resolve("garbage"), 4500],
    ["a huge", () => Promise.resolve(`${"x".repeat(5_000)}.y.z`), 4500]
  ]
  it.each(
    bad.flatMap(([what, token, code]) =>
      Object.entries(ways).map(([way, connect]) => ({ what, way, code, token, connect }))
    )
  )(
    "is refused when it is $what one, by $way: close code $code, and nothing that was sent is taken",
    async ({ code, connect, token }) => {
      const client = await connect(await token())
      client.say("let me in")
      const { reason, ...closed }: Closed = await client.closed
      expect(closed).toEqual({ code })
      expect(reason).not.toBe("")
      expect(client.messages).toEqual([])
    }
  )

  it("that no header brings under the name Bearer, or that stands in the URL, is none: the socket is a guest's", async () => {
    const { token, username } = await somebody()
    const client = await ChatClient.connect(`${started.socketUrl}?token=${token}&access_token=${token}`)
    expect(await client.answerTo({ from: username, message: "me" })).toMatchObject({ error: { code: "name_taken" } })
    await client.close()
  })

  it("that expires ends its sockets (4001), which go on with a fresh one", async () => {
    const brief = new ServerProcess(stores)
    try {
      const { socketUrl, url } = await brief.up({ ...unlimited, ACCESS_TOKEN_TTL: "1 second" })
      const { refreshToken, token } = await new ApiClient(url).somebody("shortlived")
      const client = await ChatClient.connect(socketUrl, { headers: bearer(token), since: 0 })
      expect((await client.closed).code).toBe(4001)
      expect((await new ApiClient(url).history(token)).status).toBe(401)
      const { json } = await new ApiClient(url).refresh(refreshToken)
      const again = await ChatClient.connect(socketUrl, { headers: bearer(String(json["token"])), since: 0 })
      again.say("back again")
      expect((await again.delivered("back again")).from).toBe("shortlived")
    } finally {
      await brief.remove()
    }
  })

  /** What ends the session of `token`; `other` is a session of the same user. */
  const ends: Readonly<Record<string, (token: string, other: string) => Promise<ApiReply>>> = {
    "is ended by another one": (token, other) => api.endSessions(other, String(claimsOf(token)["sid"])),
    "is ended with all the others": (token) => api.endSessions(token),
    "is another than the one that changes the password": (_, other) => api.changePassword(other, "another password")
  }
  it.each(Object.entries(ends))(
    "whose session %s ends its sockets before the reply, and not a byte of a flood comes after it",
    async (_, end) => {
      const partings = async function* () {
        for (let round = 0; round < 3; round++) {
          const { token, username } = await somebody()
          yield { token, other: (await api.loggedIn(username)).token, staying: (await somebody()).token }
        }
      }
      const { socketUrl } = started
      await endAmidAFlood({ api, room: `flood-${(people += 1)}`, socketUrl }, partings(), end)
    }
  )

  it("whose session an operator ended in the store itself ends its sockets, too", async () => {
    const { token } = await somebody()
    const client = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
    await client.settled()
    await (
      await server.stores
    ).people(`DELETE FROM user_sessions WHERE session_id = '${String(claimsOf(token)["sid"])}'`)
    expect((await client.closed).code).toBe(4502)
  })
})
