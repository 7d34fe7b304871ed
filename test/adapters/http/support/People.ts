import { Effect } from "effect"
import { bearer, member } from "./Http.ts"
import { TestServer } from "./TestServer.ts"

export const password = "password123"

let counter = 0

/** A name that nobody has had. */
export const freshName = (): string => `somebody-${(counter += 1)}`

export const register = (username: string) =>
  Effect.flatMap(TestServer, ({ request }) =>
    request({ method: "POST", path: "/api/user/v1/register", body: { username, password, full_name: "Some Body" } })
  )

export const login = (username: string, headers: Record<string, string> = {}) =>
  Effect.flatMap(TestServer, ({ request }) =>
    request({ method: "POST", path: "/api/user/v1/login", body: { username, password }, headers })
  )

/** A new account, logged in: its tokens and the header that shows the access token. */
export const somebody = Effect.gen(function* () {
  const username = freshName()
  yield* register(username)
  const { json } = yield* login(username)
  const token = String(member(json, "token"))
  return { username, token, refreshToken: String(member(json, "refresh_token")), headers: bearer(token) }
})
