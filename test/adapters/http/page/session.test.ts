import { describe, expect, it } from "@effect/vitest"
import { Api } from "../../../../src/adapters/http/page/assets/connection/api.js"
import { Session, readToken } from "../../../../src/adapters/http/page/assets/connection/session.js"

const tokenOf = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`

/** A session against replies that the test gives, one after the other. */
const against = (replies: Array<Response | Error>, remembered = false) => {
  const requests: Array<{ method: string; path: string; headers: Headers }> = []
  let hasLogin = remembered
  const session = new Session({
    api: new Api((path, init) => {
      requests.push({ method: init.method ?? "GET", path, headers: new Headers(init.headers) })
      const reply = replies.shift()
      return reply instanceof Response ? Promise.resolve(reply) : Promise.reject(reply ?? new Error("No reply left"))
    }),
    memory: { hasLogin: () => hasLogin, setLogin: (has) => void (hasLogin = has) },
    alone: (run) => run(),
    now: () => 1_000_000,
    changed: () => {}
  })
  return { session, requests, remembers: () => hasLogin }
}

/** Two pages of one browser, that hear each other. */
const neighbours = (refresh: () => Promise<Response>) => {
  let hasLogin = true
  let refreshes = 0
  const queue: Array<() => void> = []
  let busy = false
  const next = () => {
    busy = queue.length > 0
    queue.shift()?.()
  }
  const alone = async <A>(run: () => Promise<A>): Promise<A> => {
    if (busy) await new Promise<void>((resolve) => queue.push(resolve))
    busy = true
    return run().finally(next)
  }
  const pages: Array<Session> = []
  const told: Array<string> = []
  const page = () => {
    const session: Session = new Session({
      api: new Api(() => {
        refreshes += 1
        return refresh()
      }),
      memory: { hasLogin: () => hasLogin, setLogin: (has) => void (hasLogin = has) },
      alone,
      now: () => 1_000_000,
      changed: () => {},
      tell: (news) => {
        told.push(news.kind)
        pages.filter((other) => other !== session).forEach((other) => other.hear(news))
      }
    })
    pages.push(session)
    return session
  }
  return { one: page(), other: page(), asked: () => refreshes, told }
}

const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })

describe("the page's session", () => {
  it("asks nothing on a first visit", async () => {
    const { requests, session } = against([])
    await session.restore()
    expect(requests).toEqual([])
    expect(await session.credentials()).toEqual({ kind: "guest" })
  })

  it("takes up an earlier login by its cookie, and shows the page's header", async () => {
    const token = tokenOf({ username: "Änne", exp: 9_999 })
    const { requests, session } = against([json(200, { token, refresh_token: "" })], true)
    await session.restore()
    expect(session.account).toBe("Änne")
    expect(requests[0]).toMatchObject({ method: "PUT", path: "/api/user/v1/refresh-token" })
    expect(requests[0]?.headers.get("X-Parley-Page")).toBe("1")
    expect(await session.credentials()).toEqual({ kind: "token", token, expiresAt: 9_999_000 })
  })

  it("a login that is over is forgotten; one whose server is away is not, and nobody speaks as a guest meanwhile", async () => {
    const over = against([json(401, { title: "Unauthorized" })], true)
    await over.session.restore()
    expect(over.remembers()).toBe(false)
    expect(await over.session.credentials()).toEqual({ kind: "guest" })
    const away = against([new Error("down"), new Error("down")], true)
    await away.session.restore()
    expect(away.remembers()).toBe(true)
    expect(await away.session.credentials()).toEqual({ kind: "unavailable" })
  })

  it("renews a token that is about to end before it is used, once for all who ask", async () => {
    const soon = tokenOf({ username: "ada", exp: 1_010 })
    const later = tokenOf({ username: "ada", exp: 2_000 })
    const { requests, session } = against([
      json(200, { username: "ada", token: soon }),
      json(200, { token: later, refresh_token: "" })
    ])
    await session.login({ username: "ada", password: "secret" })
    const all = await Promise.all([session.credentials(), session.credentials()])
    expect(all.map((credentials) => credentials.kind === "token" && credentials.token)).toEqual([later, later])
    expect(requests.length).toBe(2)
  })

  it("a call whose token another page made void is made again with a new one", async () => {
    const first = tokenOf({ username: "ada", exp: 5_000, jti: 1 })
    const second = tokenOf({ username: "ada", exp: 5_000, jti: 2 })
    const { requests, session } = against([
      json(200, { username: "ada", token: first }),
      json(401, {}),
      json(200, { token: second }),
      new Response(null, { status: 204 })
    ])
    await session.login({ username: "ada", password: "secret" })
    expect(await session.logout()).toBeUndefined()
    expect(requests.at(-1)?.headers.get("Authorization")).toBe(`Bearer ${second}`)
    expect(session.account).toBeUndefined()
  })

  it("a logout that the server did not take is none", async () => {
    const { session } = against([
      json(200, { username: "ada", token: tokenOf({ username: "ada", exp: 5_000 }) }),
      json(503, {}, { "Retry-After": "5" })
    ])
    await session.login({ username: "ada", password: "secret" })
    expect(await session.logout()).toBe("The server is busy. Please try again in 5 s.")
    expect(session.account).toBe("ada")
  })

  it.each([
    [401, "Username or password is wrong."],
    [429, "That was too often. Please try again in 30 s."],
    [503, "The server is busy. Please try again in 30 s."]
  ])("says a %i of a login in plain words", async (status, words) => {
    const { session } = against([json(status, { title: "E_SOMETHING" }, { "Retry-After": "30" })])
    const outcome = await session.login({ username: "ada", password: "secret" })
    expect(outcome).toMatchObject({ ok: false, failure: { text: words } })
  })

  it("finds the field of each error by its pointer", async () => {
    const { session } = against([
      json(422, {
        errors: [
          { pointer: "/username", detail: "6 characters at least" },
          { pointer: "#/password", detail: "too short" }
        ]
      })
    ])
    const outcome = await session.register({ username: "a", password: "b", full_name: "c" })
    expect(outcome).toMatchObject({
      failure: { fields: { username: "6 characters at least", password: "Too short" } }
    })
  })

  it("a token that cannot be read names nobody", () => {
    for (const token of ["", "a.b", "a.!!!.c", tokenOf([1])]) expect(readToken(token).username).toBe("")
  })

  it("two pages of one browser share the login: one asks for a token, both have it, and signing out is for both", async () => {
    const token = tokenOf({ username: "ada_lovelace", exp: 9_999 })
    const { asked, one, other } = neighbours(() => Promise.resolve(json(200, { token, refresh_token: "" })))
    await Promise.all([one.restore(), other.restore()])
    expect([one.account, other.account, asked()]).toEqual(["ada_lovelace", "ada_lovelace", 1])
    one.end()
    expect(other.account).toBeUndefined()
    expect(await other.credentials()).toEqual({ kind: "guest" })
  })

  it("who signs out in one page leaves them all, and they hear that he did it himself", async () => {
    const token = tokenOf({ username: "ada_lovelace", exp: 9_999 })
    const { one, other, told } = neighbours(() => Promise.resolve(json(200, { token, refresh_token: "" })))
    await Promise.all([one.restore(), other.restore()])
    expect(await one.logout()).toBeUndefined()
    expect(other.account).toBeUndefined()
    expect(told.at(-1)).toBe("left")
  })

  it("news that are none change nothing", async () => {
    const { session } = against([])
    for (const news of [null, 1, "ended", {}, { kind: "token" }, { kind: "token", token: 1 }, []]) session.hear(news)
    expect(session.account).toBeUndefined()
  })
})
