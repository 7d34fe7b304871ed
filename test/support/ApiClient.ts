import type { Delivered } from "./ChatClient.ts"

export interface ApiReply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The members of a JSON object; empty for anything else. */
  readonly json: Readonly<Record<string, unknown>>
}

export interface LoggedIn {
  readonly username: string
  readonly token: string
  readonly refreshToken: string
}

export const password = "password123"

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** The HTTP API of a server process, as a client of it sees it. */
export class ApiClient {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async call(
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {}
  ): Promise<ApiReply> {
    const { body, headers = {} } = options
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: objectIn(text) }
  }

  register(username: string, fields: Readonly<Record<string, unknown>> = {}): Promise<ApiReply> {
    const body = { username, password, full_name: "Some Body", ...fields }
    return this.call("POST", "/api/user/v1/register", { body })
  }

  login(username: string, fields: Readonly<Record<string, unknown>> = {}): Promise<ApiReply> {
    return this.call("POST", "/api/user/v1/login", { body: { username, password, ...fields } })
  }

  /** Fails where the login does. */
  async loggedIn(username: string): Promise<LoggedIn> {
    const { json, status, text } = await this.login(username)
    if (status !== 200) throw new Error(`login: ${status} ${text}`)
    return { username, token: String(json["token"]), refreshToken: String(json["refresh_token"]) }
  }

  /** A new account, logged in. */
  async somebody(username: string): Promise<LoggedIn> {
    const { status, text } = await this.register(username)
    if (status !== 201) throw new Error(`register: ${status} ${text}`)
    return this.loggedIn(username)
  }

  refresh(refreshToken: string, headers: Readonly<Record<string, string>> = {}): Promise<ApiReply> {
    return this.call("PUT", "/api/user/v1/refresh-token", { headers: { ...bearer(refreshToken), ...headers } })
  }

  logout(token: string): Promise<ApiReply> {
    return this.call("DELETE", "/api/user/v1/logout", { headers: bearer(token) })
  }

  sessions(token: string): Promise<ApiReply> {
    return this.call("GET", "/api/user/v1/sessions", { headers: bearer(token) })
  }

  /** Signs out everywhere, or ends one session. */
  endSessions(token: string, id = ""): Promise<ApiReply> {
    return this.call("DELETE", `/api/user/v1/sessions${id === "" ? "" : `/${id}`}`, { headers: bearer(token) })
  }

  changePassword(token: string, next: string): Promise<ApiReply> {
    const body = { current_password: password, new_password: next }
    return this.call("PUT", "/api/user/v1/password", { headers: bearer(token), body })
  }

  history(token: string, query = ""): Promise<ApiReply> {
    return this.call("GET", `/api/message/v1/history${query}`, { headers: bearer(token) })
  }

  /** A room's whole log, page by page. */
  async log(token: string, room: string): Promise<ReadonlyArray<Delivered>> {
    const entries: Array<Delivered> = []
    for (;;) {
      const { status, text } = await this.history(token, `?room=${room}&limit=1000&after=${entries.at(-1)?.seq ?? 0}`)
      if (status !== 200) throw new Error(`history: ${status} ${text}`)
      const page = JSON.parse(text) as ReadonlyArray<Delivered>
      if (page.length === 0) return entries
      entries.push(...page)
    }
  }

  /** A figure of `/metrics`. */
  async metric(name: string): Promise<number> {
    const { text } = await this.call("GET", "/metrics")
    return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1])
  }
}
