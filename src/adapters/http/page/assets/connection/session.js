// @ts-check
/** @import { Api, Outcome } from "./api.js" */

/**
 * @typedef {{ kind: "guest" } | { kind: "token", token: string, expiresAt: number } | { kind: "ended" } | { kind: "unavailable" }} Credentials
 * `expiresAt` in milliseconds since 1970; infinite where the token does not say.
 */

/**
 * @typedef {object} Memory What outlives the page: nothing secret, only that there is a login to be renewed.
 * @property {() => boolean} hasLogin
 * @property {(has: boolean) => void} setLogin
 */

/** @typedef {{ kind: "token", token: string } | { kind: "ended" } | { kind: "left" }} News `left`: the reader signed out himself. */

/** A token that ends sooner is renewed before it is used. Milliseconds. */
export const renewBefore = 30_000

/**
 * What an access token says of itself. The page does not verify it, the server does: here it only names the reader and his time.
 * @param {string} token
 * @returns {{ username: string, expiresAt: number }} `expiresAt` in milliseconds since 1970
 */
export const readToken = (token) => {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0))
    /** @type {unknown} */
    const claims = JSON.parse(new TextDecoder().decode(bytes))
    const all = typeof claims === "object" && claims !== null ? Object.fromEntries(Object.entries(claims)) : {}
    return {
      username: typeof all["username"] === "string" ? all["username"] : "",
      expiresAt: typeof all["exp"] === "number" ? all["exp"] * 1000 : Number.POSITIVE_INFINITY
    }
  } catch {
    return { username: "", expiresAt: Number.POSITIVE_INFINITY }
  }
}

/**
 * The reader's login. The access token lives in this object alone, the refresh token in a cookie that no script can read.
 */
export class Session {
  /** @type {string | undefined} The username, if he is logged in. */
  account

  /** @type {string | undefined} */
  #token
  /** @type {Promise<"renewed" | "ended" | "unavailable"> | undefined} */
  #renewing
  #options

  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {Memory} options.memory
   * @param {<A>(run: () => Promise<A>) => Promise<A>} options.alone runs one renewal at a time among all pages of this browser: two that
   *   bring the same refresh token look like a theft
   * @param {() => number} options.now milliseconds since 1970
   * @param {() => void} options.changed
   * @param {(news: News) => void} [options.tell] the other pages of this browser, what `hear` takes; only their memory holds it
   */
  constructor(options) {
    this.#options = options
  }

  /** There is a login, or there was one that the server has not been asked about yet. */
  get expected() {
    return this.account !== undefined || this.#options.memory.hasLogin()
  }

  /** Takes up the login of an earlier visit, silently: where there was none, nothing is asked. */
  async restore() {
    if (this.#options.memory.hasLogin()) await this.renew()
  }

  /**
   * @param {{ username: string, password: string }} form
   * @returns {Promise<Outcome<unknown>>}
   */
  async login(form) {
    const outcome = await this.#options.api.login(form)
    if (outcome.ok) this.#accept(outcome.value.token, outcome.value.username)
    return outcome
  }

  /**
   * Opens an account and logs in with it.
   * @param {{ username: string, password: string, full_name: string }} form
   * @returns {Promise<Outcome<unknown>>}
   */
  async register(form) {
    const outcome = await this.#options.api.register(form)
    return outcome.ok ? this.login({ username: form.username, password: form.password }) : outcome
  }

  /**
   * Ends the login on the server, and then here. Where the server did not answer it stays, and its words are returned.
   * @returns {Promise<string | undefined>}
   */
  async logout() {
    const outcome = await this.authorized((token) => this.#options.api.logout(token))
    if (outcome !== undefined && !outcome.ok && outcome.failure.status !== 401) return outcome.failure.text
    this.#forget()
    this.#options.tell?.({ kind: "left" })
    return undefined
  }

  /** Forgets the login, in all pages of this browser. */
  end() {
    this.#forget()
    this.#options.tell?.({ kind: "ended" })
  }

  /**
   * Another page of this browser has a new token, or ended the login: they share it.
   * @param {unknown} news
   */
  hear(news) {
    const { kind, token } = Object.fromEntries(Object.entries(Object(news)))
    if (kind === "token" && typeof token === "string") this.#take(token, readToken(token).username)
    else if ((kind === "ended" || kind === "left") && this.account !== undefined) this.#forget()
  }

  #forget() {
    this.account = undefined
    this.#token = undefined
    this.#options.memory.setLogin(false)
    this.#options.changed()
  }

  /** @returns {Promise<Credentials>} */
  async credentials() {
    // A login of an earlier visit whose renewal found no server yet is still a login: nobody becomes a guest by that.
    if (this.account === undefined && !this.#options.memory.hasLogin()) return { kind: "guest" }
    const fresh = this.#credentials()
    if (fresh.kind === "token" && fresh.expiresAt - this.#options.now() > renewBefore) return fresh
    const outcome = await this.renew()
    return outcome === "renewed" ? this.#credentials() : { kind: outcome }
  }

  /**
   * Calls with a valid token; a token that another page of this login made void meanwhile is renewed once.
   * @template A
   * @param {(token: string) => Promise<Outcome<A>>} call
   * @returns {Promise<Outcome<A> | undefined>} `undefined` for a guest, and for a login that ended
   */
  async authorized(call) {
    const credentials = await this.credentials()
    if (credentials.kind === "unavailable")
      return { ok: false, failure: { status: 0, fields: {}, text: "The server cannot be reached." } }
    if (credentials.kind !== "token") return undefined
    const outcome = await call(credentials.token)
    if (outcome.ok || outcome.failure.status !== 401) return outcome
    const renewed = (await this.renew()) === "renewed"
    return renewed && this.#token !== undefined ? call(this.#token) : outcome
  }

  /** A new access token, by the cookie. Asked for twice at a time, it is one request. */
  renew() {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  /** @returns {Promise<"renewed" | "ended" | "unavailable">} */
  async #renew() {
    if (!this.#options.memory.hasLogin()) return "unavailable"
    const before = this.#token
    // The others are told before the next one has its turn.
    const outcome = await this.#options.alone(async () => {
      // Another page had one while this one waited for its turn.
      const heard = this.#token
      if (heard !== undefined && heard !== before) return { ok: /** @type {const} */ (true), value: heard }
      const outcome = await this.#options.api.refresh()
      if (outcome.ok) this.#accept(outcome.value, readToken(outcome.value).username)
      return outcome
    })
    if (outcome.ok) return "renewed"
    const { status } = outcome.failure
    if (status === 0 || status === 429 || status >= 500) return "unavailable"
    this.end()
    return "ended"
  }

  /** @returns {Credentials} */
  #credentials() {
    const token = this.#token
    return token === undefined ? { kind: "ended" } : { kind: "token", token, expiresAt: readToken(token).expiresAt }
  }

  /** @param {string} token @param {string} username */
  #accept(token, username) {
    const isNew = token !== this.#token
    this.#take(token, username)
    if (isNew) this.#options.tell?.({ kind: "token", token })
  }

  /** @param {string} token @param {string} username */
  #take(token, username) {
    this.#token = token
    this.account = username
    this.#options.memory.setLogin(true)
    this.#options.changed()
  }
}
