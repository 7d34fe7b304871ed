import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import type { Started } from "../support/ServerProcess.ts"

/** Does everything that an account and a guest can do, rightly and wrongly. Gives what nobody else may ever see of it: tokens, passwords, messages. */
export const sessionOfEverything = async (started: Started): Promise<ReadonlyArray<string>> => {
  const api = new ApiClient(started.url)
  const passwords = ["a-password-nobody-knows", "another-password", "wrong-password-9"]
  const secrets: Array<string> = [...passwords]
  const pair = (json: Readonly<Record<string, unknown>>) => {
    const [token, refreshToken] = [String(json["token"]), String(json["refresh_token"])]
    secrets.push(token, refreshToken)
    return { token, refreshToken }
  }

  await api.register("secretive", { password: passwords[0] })
  await api.register("secretive", { password: passwords[1] })
  await api.register("new\nline\r\n", { password: passwords[1], full_name: 'new\nline {"log.level":"fatal"}' })
  await api.login("secretive", { password: passwords[2] })
  await api.login('new\nline\n{"log.level":"fatal"}', { password: passwords[2] })
  const { refreshToken, token } = pair((await api.login("secretive", { password: passwords[0] })).json)

  const say = async (client: ChatClient, from: string, text: string) => {
    secrets.push(text)
    client.say(text, { from })
    await client.settled()
  }
  const guest = await ChatClient.connect(started.socketUrl, { since: 0 })
  await say(guest, "guest", "a message of a guest")
  await say(guest, 'new\nline\n{"log.level":"fatal"}', "a message under a split name")
  await say(guest, "system", "a message under a reserved name")
  const byHeader = await ChatClient.connect(started.socketUrl, { headers: bearer(token) })
  await say(byHeader, "", "a message of an account")
  const byProtocol = await ChatClient.connect(started.socketUrl, { protocols: ["bearer", token] })
  await say(byProtocol, "", "a message by subprotocol")
  await guest.answerTo({ type: "auth", token })
  await guest.answerTo({ type: "auth", token, extra: true })
  await guest.answerTo({ type: "auth", token: 5 })
  await guest.answerTo('{"from":"guest","message":"a broken message of somebody"')
  secrets.push("a broken message of somebody")
  // Tokens in places where they do not belong.
  const inUrl = await ChatClient.connect(`${started.socketUrl}?token=${token}`)
  await api.call("GET", `/api/message/v1/history?token=${token}&room=a%0Ab`)
  await api.call("GET", `/${token}`)
  await api.call("GET", "/api/message/v1/history", { headers: { authorization: token } })
  await api.call("GET", "/api/message/v1/history", { headers: bearer(refreshToken) })
  await api.call("GET", "/api/message/v1/history", { headers: { cookie: `parley_refresh=${refreshToken}` } })
  for (const origin of [`https://${token.slice(-40)}.example`, "https://evil.example"]) {
    await ChatClient.connect(started.socketUrl, { headers: { origin } }).catch(() => {})
  }
  await api.history(token)
  const page = await api.call("POST", "/api/user/v1/login", {
    body: { username: "secretive", password: passwords[0] },
    headers: { "x-parley-page": "1" }
  })
  secrets.push(
    String(page.json["token"]),
    /parley_refresh=([^;]*)/.exec(page.headers.get("set-cookie") ?? "")?.[1] ?? ""
  )
  const next = pair((await api.refresh(refreshToken)).json)
  await api.history(next.token)
  await api.refresh(refreshToken)
  await api.logout(next.token)
  await Promise.all([guest, byHeader, byProtocol].map(({ closed }) => closed))
  await inUrl.close()
  return secrets
}
