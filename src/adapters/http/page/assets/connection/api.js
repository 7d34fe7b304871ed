// @ts-check
/** The HTTP API as the page uses it: no exception comes out of here, and every failure is said in plain words. */

/**
 * @typedef {object} Failure
 * @property {number} status 0 if there was no answer at all
 * @property {string} text one sentence for the reader
 * @property {Record<string, string>} fields what is wrong with each field, by its name in the body
 */

/**
 * @template A
 * @typedef {{ ok: true, value: A } | { ok: false, failure: Failure }} Outcome
 */

/** Marks a request as the page's: the refresh token then travels in a cookie that no script can read. */
const pageHeader = { "X-Parley-Page": "1" }

/** @param {unknown} value @returns {Record<string, unknown>} */
const record = (value) => (typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {})

/** @param {Response} response */
const wait = (response) => {
  const seconds = Number(response.headers.get("Retry-After"))
  if (!(seconds > 0)) return "Please try again in a moment."
  return seconds < 90 ? `Please try again in ${seconds} s.` : `Please try again in ${Math.ceil(seconds / 60)} minutes.`
}

/**
 * @param {unknown} errors `errors` of an RFC 9457 problem: `[{pointer: "/username", detail: "…"}]`
 * @returns {Record<string, string>}
 */
const fieldsOf = (errors) => {
  /** @type {Record<string, string>} */
  const fields = {}
  for (const error of Array.isArray(errors) ? errors.map(record) : []) {
    const pointer = error["pointer"]
    const detail = error["detail"] ?? error["message"]
    // A pointer into the body, as JSON Pointer or as its URI fragment (RFC 6901).
    const field = typeof pointer === "string" ? /^#?\/([^/]+)/.exec(pointer)?.[1] : undefined
    if (field !== undefined && typeof detail === "string")
      fields[field] ??= detail.charAt(0).toUpperCase() + detail.slice(1)
  }
  return fields
}

/**
 * @param {Response} response
 * @returns {Promise<Failure>}
 */
const failureOf = async (response) => {
  const problem = record(await response.json().catch(() => undefined))
  const { status } = response
  const title = typeof problem["title"] === "string" ? problem["title"] : "Something went wrong."
  const fields = fieldsOf(problem["errors"])
  if (status === 401) return { status, fields, text: "Your login is no longer valid." }
  if (status === 409) return { status, fields, text: "This username is taken." }
  if (status === 422) return { status, fields, text: "Please correct what is marked." }
  if (status === 429) return { status, fields, text: `That was too often. ${wait(response)}` }
  if (status === 503) return { status, fields, text: `The server is busy. ${wait(response)}` }
  return { status, fields, text: typeof problem["detail"] === "string" ? problem["detail"] : title }
}

/** @param {Response} response */
const jsonOf = async (response) => record(await response.json().catch(() => undefined))

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : "")

export class Api {
  #fetch

  /** @param {(path: string, init: RequestInit) => Promise<Response>} fetch */
  constructor(fetch) {
    this.#fetch = fetch
  }

  /**
   * @param {{ username: string, password: string, full_name: string }} form
   * @returns {Promise<Outcome<undefined>>}
   */
  register(form) {
    return this.#call("POST", "/api/user/v1/register", { body: form }, () => undefined)
  }

  /**
   * @param {{ username: string, password: string }} form
   * @returns {Promise<Outcome<{ username: string, token: string }>>}
   */
  async login(form) {
    const outcome = await this.#call("POST", "/api/user/v1/login", { body: form }, async (response) => {
      const body = await jsonOf(response)
      return { username: text(body["username"]), token: text(body["token"]) }
    })
    if (!outcome.ok && outcome.failure.status === 401) outcome.failure.text = "Username or password is wrong."
    return outcome
  }

  /** @returns {Promise<Outcome<string>>} a new access token, by the cookie */
  refresh() {
    return this.#call("PUT", "/api/user/v1/refresh-token", {}, async (response) =>
      text((await jsonOf(response))["token"])
    )
  }

  /**
   * @param {string} token
   * @returns {Promise<Outcome<undefined>>}
   */
  logout(token) {
    return this.#call("DELETE", "/api/user/v1/logout", { token }, () => undefined)
  }

  /**
   * @template A
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, token?: string }} request
   * @param {(response: Response) => A | Promise<A>} read
   * @returns {Promise<Outcome<A>>}
   */
  async #call(method, path, { body, token }, read) {
    /** @type {Record<string, string>} */
    const headers = { ...pageHeader, Accept: "application/json" }
    if (body !== undefined) headers["Content-Type"] = "application/json"
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`
    try {
      const response = await this.#fetch(path, {
        method,
        headers,
        credentials: "same-origin",
        cache: "no-store",
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      if (!response.ok) return { ok: false, failure: await failureOf(response) }
      return { ok: true, value: await read(response) }
    } catch {
      return { ok: false, failure: { status: 0, fields: {}, text: "The server cannot be reached." } }
    }
  }
}
