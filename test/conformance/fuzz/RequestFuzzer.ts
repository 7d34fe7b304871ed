import { Random } from "../../delivery/Random.ts"
import { ApiClient, bearer } from "../../support/ApiClient.ts"
import { ChatClient } from "../../support/ChatClient.ts"
import type { Started } from "../../support/ServerProcess.ts"
import { routes } from "./Routes.ts"
import type { Route } from "./Routes.ts"

export interface RequestFuzzing {
  /** To each route. */
  readonly requests: number
  readonly seed: number
  readonly onProgress?: (route: string, requests: number) => void
}

const atOnce = 8
/** Right ones are rare: each costs the server a hash. */
const untouched = 0.03
/** What no schema has: values that have broken parsers and stores. */
const hostile: ReadonlyArray<unknown> = [
  null,
  true,
  0,
  -1,
  2 ** 53,
  "",
  " ",
  "\ud800",
  "\u0000",
  "\u202e",
  "x".repeat(3_000),
  "' or 1=1 --",
  { $ne: null },
  { $where: "1" },
  [],
  [[[[[[]]]]]],
  { constructor: { prototype: {} } }
]
const texts = [
  "",
  "{",
  "[",
  "\ufeff{}",
  '{"username":1e400}',
  '{"__proto__":{"username":"x"}}',
  '{"username":"a","username":"b"}',
  `{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
  `{"username":"${"x".repeat(70_000)}"}`
]

const mutated = (random: Random, right: unknown): unknown => {
  if (random.chance(untouched)) return right
  if (typeof right !== "object" || right === null || random.chance(0.1)) return random.pick(hostile)
  const entries = Object.entries(right)
  const at = random.below(entries.length)
  const [name = ""] = entries[at] ?? []
  switch (random.weighted({ value: 6, drop: 2, add: 2, rename: 1 })) {
    case "value":
      return { ...right, [name]: random.pick(hostile) }
    case "drop":
      return Object.fromEntries(entries.filter((_, index) => index !== at))
    case "add":
      return { ...right, [random.pick(["id", "created_at", "constructor", "", "\ud800"]) ?? ""]: random.pick(hostile) }
    default:
      return Object.fromEntries(entries.map(([key, value], index) => [index === at ? key.toUpperCase() : key, value]))
  }
}

/** Changes bytes of a text in its place. */
const mutatedText = (random: Random, text: string): Buffer => {
  const bytes = Buffer.from(text)
  for (let left = random.between(1, 3); left > 0 && bytes.length > 0; left--) {
    bytes[random.below(bytes.length)] = random.below(256)
  }
  return bytes
}

const bodyOf = (random: Random, { bodies }: Route): Buffer | undefined => {
  if (bodies.length === 0 && random.chance(0.8)) return undefined
  if (random.chance(0.15)) return Buffer.from(random.pick(texts) ?? "")
  const text = JSON.stringify(mutated(random, random.pick(bodies) ?? {})) ?? ""
  return random.chance(0.2) ? mutatedText(random, text) : Buffer.from(text)
}

const queryOf = (random: Random, { queries }: Route): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(random.pick(queries) ?? {})) {
    const other = random.pick(hostile)
    query.set(name, random.chance(0.5) ? value : typeof other === "string" ? other : JSON.stringify(other))
  }
  if (random.chance(0.1)) query.append("room", "$board")
  return query.size === 0 ? "" : `?${query}`
}

/** What would be read as the end of a path, or as another one, among the hostile values; and what is no escape of anything. */
const segments = [
  "..",
  "%2e%2e",
  "a%2fb",
  "%00",
  "%",
  "%zz",
  "%c3%28",
  ":id",
  "x".repeat(1_000),
  "1;v=2",
  "+",
  "__proto__"
]

/** The path with its parameters: right ones, hostile ones, and bytes that no client of ours would send. */
const pathOf = (random: Random, { parameters, path }: Route): string => {
  const right = random.pick(parameters) ?? {}
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const segment = random.weighted({ right: 3, hostile: 4, raw: 3 })
    if (segment === "raw") return random.pick(segments) ?? ""
    const value = segment === "right" ? right[name] : random.pick(hostile)
    return encodeURIComponent((typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed())
  })
}

/** Whether the path that is sent, dots resolved, is one that has no route: none of ours has an escape in it, or a parameter of more than 100 characters. */
const isElsewhere = ({ path }: Route, sent: string): boolean =>
  sent.includes("%") || !new RegExp(`^${path.replaceAll(/:\w+/g, "[^/;]{1,100}")}$`).test(sent)

const isNothingThere = (status: number, text: string): boolean =>
  (status === 404 && text.startsWith('{"type":"urn:parley:problem:not-found"')) || status === 405

/** Node's own client sends none with GET; and a document that foresees no body foresees no answer to one that is too large. */
const canBeSent = ({ bodies, method }: Route, { length }: Buffer): boolean =>
  bodies.length > 0 || (method !== "GET" && length < 64 * 1024)

/** Sends changed requests to every route; rejects at the first reply that its document does not foresee. Gives how often each status came. */
export const fuzzRequests = async (
  server: Started,
  { onProgress, requests, seed }: RequestFuzzing
): Promise<ReadonlyMap<string, number>> => {
  const api = new ApiClient(server.url)
  const { refreshToken, token } = await api.somebody(`fuzzer-${seed}`)
  const talker = await ChatClient.connect(server.socketUrl, { headers: bearer(token), since: 0 })
  talker.say("something to read")
  await talker.delivered("something to read")
  const statuses = new Map<string, number>()
  const random = new Random(seed)

  const authorizationOf = (own: Random, route: Route): Record<string, string> => {
    // The session is for reading: one that was ended would hide what comes after the door.
    const kinds =
      route.method === "GET" || route.parameters.length > 0
        ? { access: 8, refresh: 1, garbage: 1, none: 1 }
        : { garbage: 3, none: 1, refresh: 0, access: 0 }
    switch (own.weighted(kinds)) {
      case "access":
        return bearer(token)
      case "refresh":
        return bearer(refreshToken)
      case "garbage":
        return {
          authorization: own.pick(["Bearer ", "Bearer x.y.z", "Basic dXNlcjpw", `Bearer ${token}x`, "bearer"]) ?? ""
        }
      default:
        return {}
    }
  }

  for (const route of routes(seed)) {
    let sent = 0
    const send = async (own: Random): Promise<void> => {
      while (sent < requests) {
        sent += 1
        const drawn = bodyOf(own, route)
        const body = drawn !== undefined && canBeSent(route, drawn) ? drawn : undefined
        const headers = {
          ...(body === undefined || own.chance(0.03)
            ? {}
            : { "content-type": own.chance(0.97) ? "application/json" : "text/plain" }),
          ...authorizationOf(own, route)
        }
        const url = new URL(`${server.url}${pathOf(own, route)}${queryOf(own, route)}`)
        const response = await fetch(url, {
          method: route.method,
          headers,
          ...(body === undefined ? {} : { body: new Uint8Array(body) })
        })
        const text = await response.text()
        const elsewhere = isElsewhere(route, url.pathname) && isNothingThere(response.status, text)
        const fault = elsewhere
          ? undefined
          : route.fault(response.status, response.headers.get("content-type") ?? "", text)
        if (fault !== undefined || (response.status >= 500 && response.status !== 503)) {
          const shown = `${route.method} ${url.href} ${JSON.stringify(headers)} ${body?.toString("latin1").slice(0, 500) ?? ""}`
          throw new Error(
            `seed ${seed}: ${shown}\n  was answered ${response.status} ${text.slice(0, 500)}\n  ${fault ?? ""}`
          )
        }
        const key = `${route.method} ${route.path} ${response.status}`
        statuses.set(key, (statuses.get(key) ?? 0) + 1)
        onProgress?.(`${route.method} ${route.path}`, sent)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, () => send(random.fork())))
    talker.say(`after ${route.method} ${route.path}`)
    await talker.delivered(`after ${route.method} ${route.path}`)
  }
  await talker.close()
  return statuses
}
