/** A reply or a push, as both encodings have it: data are values, an empty one may be missing. */
export interface Reply {
  readonly id?: number
  readonly error?: { readonly code: number }
  readonly [method: string]: unknown
}

/** What a command must come to: a reply with this `id` that `fault` finds nothing wrong with, no reply, or the socket's end. */
export type Rule =
  | { readonly kind: "reply"; readonly id: number; readonly fault: (reply: Reply) => string | undefined }
  | { readonly kind: "nothing" }
  | { readonly kind: "end"; readonly code: number }

interface Stored {
  readonly data: unknown
  /** A chat message is shown in the server's words. */
  readonly isChat: boolean
}

interface Room {
  readonly log: Array<Stored>
  readonly ids: Map<string, { readonly text: string }>
}

/** From its reply on a subscription gets what is stored until it ends. */
interface Period {
  readonly channel: string
  from: number
  to: number | undefined
}

interface Pub {
  readonly offset: number
  readonly data: unknown
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const nothing: Rule = { kind: "nothing" }
const ended = (code: number): Rule => ({ kind: "end", code })
const isText = (value: unknown): boolean => typeof value === "string"
const isFlag = (value: unknown): boolean => typeof value === "boolean"
const isOffset = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const isRoom = (channel: unknown): boolean => /^\$?[A-Za-z0-9_.:-]{1,64}$/.test(String(channel))
const isId = (id: unknown): boolean => typeof id === "string" && /^[^\p{Cc}\p{Cs}]{1,128}$/u.test(id)
const isPosition = (since: unknown): boolean => isObject(since) && holds(since, { offset: isOffset, epoch: isText }, [])

type Tests = Readonly<Record<string, (value: unknown) => boolean>>

const holds = (params: unknown, tests: Tests, needed: ReadonlyArray<string>): boolean =>
  isObject(params) &&
  needed.every((name) => Object.hasOwn(params, name)) &&
  Object.entries(tests).every(([name, isIt]) => !Object.hasOwn(params, name) || isIt(params[name]))

const channel = { channel: isText }
const shapes: Readonly<Record<string, readonly [Tests, ReadonlyArray<string>]>> = {
  connect: [{ token: isText, name: isText, version: isText }, []],
  subscribe: [
    { ...channel, token: isText, recover: isFlag, epoch: isText, offset: isOffset, join_leave: isFlag },
    ["channel"]
  ],
  unsubscribe: [channel, ["channel"]],
  publish: [channel, ["channel", "data"]],
  presence: [channel, ["channel"]],
  presence_stats: [channel, ["channel"]],
  history: [{ ...channel, limit: Number.isSafeInteger, since: isPosition, reverse: isFlag }, ["channel"]],
  ping: [{}, []],
  send: [{}, []],
  rpc: [{ method: isText }, []],
  refresh: [{ token: isText }, ["token"]],
  sub_refresh: [{ ...channel, token: isText }, ["channel", "token"]]
}

/** A command's method, and whether its fields are right for it. */
const reading = (command: Fields) => {
  const [named, ...others] = Object.entries(command)
  const [method, params] = named ?? ["", undefined]
  const shape = Object.hasOwn(shapes, method) ? shapes[method] : undefined
  const right = others.length === 0 && shape !== undefined && holds(params, ...shape)
  return { method, params, others, shape, right }
}

/** What is null was left out, but in data. */
const withoutNulls = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([name, field]) => name === "data" || field !== null)
          .map(([name, field]) => [name, name === "data" ? field : withoutNulls(field)])
      )
    : value

/** Whether JSON's text said more than a value can be, or what no store should hold. */
const isSound = (value: unknown, depth = 0): boolean => {
  if (typeof value === "number") return Number.isSafeInteger(value) || (Number.isFinite(value) && value % 1 !== 0)
  if (typeof value !== "object" || value === null) return value !== undefined
  return depth < 64 && Object.entries(value).every(([name, item]) => name !== "__proto__" && isSound(item, depth + 1))
}

interface Published {
  readonly stored: Stored
  readonly from: unknown
  readonly id: unknown
}

const published = (data: unknown): Published | "bad" => {
  if (!isSound(data)) return "bad"
  if (!isObject(data)) return { stored: { data, isChat: false }, from: undefined, id: undefined }
  const names = Object.keys(data)
  const { _parley: mark, date, from, id, message } = data
  if (typeof message === "string" && names.every((name) => ["message", "from", "date", "id"].includes(name))) {
    const right =
      /\S/.test(message) &&
      message.isWellFormed() &&
      [from, date].every((field, index) => !names.includes(["from", "date"][index] ?? "") || isText(field)) &&
      (!names.includes("id") || isId(id))
    return right ? { stored: { data: { message }, isChat: true }, from, id } : "bad"
  }
  if (!names.includes("_parley")) return { stored: { data, isChat: false }, from: undefined, id: undefined }
  if (!isObject(mark) || !holds(mark, { id: isId, from: isText }, [])) return "bad"
  return { stored: { data, isChat: false }, from: mark["from"], id: mark["id"] }
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.entries(value)
    .map(([name, field]): readonly [string, unknown] => [name, sorted(field)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

const maxChannels = 128
const maxDataBytes = 16 * 1024
const maxPublications = 512

/** What a server must do with the commands of one guest's socket whose rooms are nobody else's: the rules of the protocol once more, without its code. */
export class CommandModel {
  readonly #epoch: string
  readonly #rooms = new Map<string, Room>()
  readonly #open = new Map<string, Period>()
  readonly #periods: Array<Period> = []
  #connected = false
  #client = ""

  constructor(epoch: string) {
    this.#epoch = epoch
  }

  /** Commands change the model in the order in which they are sent. */
  rule(value: unknown): Rule {
    if (!isObject(value)) return ended(3501)
    const { id = 0, ...rest } = value
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > 4_294_967_295) return ended(3501)
    const isEmpty = Object.keys(rest).length === 0
    if (isEmpty && id === 0) return nothing
    const [strict, lenient] = [reading(rest), reading(Object(withoutNulls(rest)))]
    if (id === 0 && strict.method !== "send") return ended(3501)
    const { method, others, params, right, shape } = strict.right || !lenient.right ? strict : lenient
    if ((right && method === "connect") === this.#connected) return ended(3501)
    if (isEmpty || others.length > 0) return this.#error(id, 107)
    if (shape === undefined) return this.#error(id, 104)
    if (!right || !isObject(params)) return this.#error(id, 107)
    return this.#command(id, method, params)
  }

  /** What of the log must have been pushed, by channel. Asked when every reply is here. */
  get pushed(): ReadonlyMap<string, ReadonlyArray<number>> {
    const all = new Map<string, Array<number>>()
    for (const { channel, from, to } of this.#periods) {
      const offsets = all.get(channel) ?? []
      for (let offset = from + 1; offset <= (to ?? this.#room(channel).log.length); offset++) offsets.push(offset)
      if (offsets.length > 0) all.set(channel, offsets)
    }
    return all
  }

  /** Whether a publication is the one at its position. */
  isRight(channel: string, { data, offset }: Pub): boolean {
    const stored = this.#room(channel).log[offset - 1]
    if (stored === undefined) return false
    if (!stored.isChat) return same(data, stored.data)
    return isObject(data) && isObject(stored.data) && data["message"] === stored.data["message"]
  }

  #command(id: number, method: string, params: Fields): Rule {
    switch (method) {
      case "connect":
        return this.#connect(id, params)
      case "ping":
      case "send":
        return id === 0 ? nothing : this.#result(id, undefined, () => undefined)
      case "rpc":
        return this.#rpc(id, params)
      case "refresh":
        return this.#error(id, 107)
    }
    const name = String(params["channel"])
    if (!isRoom(name)) return this.#error(id, 107)
    const isShut = name.startsWith("$")
    switch (method) {
      case "subscribe":
        return this.#subscribe(id, name, params)
      case "unsubscribe": {
        const period = this.#open.get(name)
        if (period !== undefined) period.to = this.#room(name).log.length
        this.#open.delete(name)
        return this.#result(id, undefined, () => undefined)
      }
      case "sub_refresh":
        return this.#error(id, 103)
    }
    if (isShut) return this.#error(id, 103)
    const isThere = this.#open.has(name)
    switch (method) {
      case "publish":
        return this.#publish(id, name, params["data"])
      case "history":
        return this.#history(id, name, params)
      case "presence":
        return this.#result(id, "presence", ({ presence = {} }) => {
          const there = isObject(presence) ? Object.keys(presence) : ["nobody"]
          return same(there, isThere ? [this.#client] : []) ? undefined : "others are there"
        })
      default:
        return this.#result(id, "presence_stats", ({ num_clients = 0, num_users = 0 }) =>
          num_clients === Number(isThere) && num_users === Number(isThere) ? undefined : "other figures"
        )
    }
  }

  #connect(id: number, { token = "" }: Fields): Rule {
    if (token !== "") return ended(4500)
    this.#connected = true
    return this.#result(id, "connect", ({ client, ping, pong }) => {
      this.#client = String(client)
      return ping === 25 && pong === true ? undefined : "no ping and pong"
    })
  }

  #rpc(id: number, { data, method = "" }: Fields): Rule {
    if (method !== "parley.room") return this.#error(id, 104)
    const room = isObject(data) ? data["room"] : undefined
    if (typeof room !== "string" || !isRoom(room)) return this.#error(id, 107)
    if (room.startsWith("$")) return this.#error(id, 103)
    const head = this.#room(room).log.length
    return this.#result(id, "rpc", (rpc) =>
      same(rpc["data"], { epoch: this.#epoch, offset: head }) ? undefined : "another position"
    )
  }

  #subscribe(id: number, name: string, request: Fields): Rule {
    const { epoch = "", offset: after = 0, recover = false, token = "" } = request
    if (this.#open.has(name)) return this.#error(id, 105)
    if (this.#open.size >= maxChannels) return this.#error(id, 106)
    if (token !== "" || name.startsWith("$")) return this.#error(id, 103)
    const head = this.#room(name).log.length
    const isRecovered = recover === true && Number(after) <= head && (epoch === "" || epoch === this.#epoch)
    const period: Period = { channel: name, from: head, to: undefined }
    this.#open.set(name, period)
    this.#periods.push(period)
    return this.#result(id, "subscribe", (result) => {
      const { offset = 0, publications = [], recovered = false, was_recovering = false } = result
      if (result["recoverable"] !== true || result["positioned"] !== true) return "no recovery"
      if (result["epoch"] !== this.#epoch || recovered !== isRecovered || was_recovering !== recover)
        return "another recovery"
      period.from = Number(offset)
      if (!isRecovered)
        return offset === head && same(publications, [])
          ? undefined
          : `another head than ${head}: ${JSON.stringify(this.#room(name).log).slice(0, 1_000)} ${name}`
      const from = Number(after)
      return this.#pageFault(name, publications, upTo(from, Number(offset)), head - from, offset === head)
    })
  }

  #publish(id: number, name: string, data: unknown): Rule {
    const what = published(data)
    if (what === "bad") return this.#error(id, 107)
    if (Buffer.byteLength(JSON.stringify(what.stored.data)) > maxDataBytes) return this.#error(id, 106)
    const { ids, log } = this.#room(name)
    if (what.from === "system") return this.#error(id, 411)
    if (what.id !== undefined) {
      const key = `${String(what.from)}\n${String(what.id)}`
      const earlier = ids.get(key)
      const text = JSON.stringify(sorted(what.stored.data))
      if (earlier !== undefined) {
        return earlier.text === text ? this.#result(id, undefined, () => undefined) : this.#error(id, 409)
      }
      ids.set(key, { text })
    }
    log.push(what.stored)
    return this.#result(id, undefined, () => undefined)
  }

  #history(id: number, name: string, { limit = 0, reverse = false, since }: Fields): Rule {
    const { epoch = "", offset = 0 } = isObject(since) ? since : {}
    if (epoch !== "" && epoch !== this.#epoch) return this.#error(id, 112)
    const head = this.#room(name).log.length
    const from = Number(offset)
    if (limit !== 0 && from > head + Number(reverse)) return this.#error(id, 112)
    const all = reverse ? upTo(0, since === undefined ? head : Math.min(head, from - 1)).toReversed() : upTo(from, head)
    const count = limit === 0 ? 0 : Number(limit) < 0 ? maxPublications : Math.min(Number(limit), maxPublications)
    return this.#result(id, "history", (result) => {
      if ((result["offset"] ?? 0) !== head || result["epoch"] !== this.#epoch) return `another head than ${head}`
      const { publications = [] } = result
      return this.#pageFault(name, publications, all, count, false)
    })
  }

  /** A page may end early, where a frame is full; not before its first, and not where it says that it is all. */
  #pageFault(
    name: string,
    publications: unknown,
    offsets: ReadonlyArray<number>,
    count: number,
    isAll: boolean
  ): string | undefined {
    if (!Array.isArray(publications)) return "no page"
    const page: ReadonlyArray<Pub> = publications
    const wanted = offsets.slice(0, count)
    if (page.length > wanted.length || (page.length === 0 && wanted.length > 0)) return "a page of another size"
    if (isAll && page.length < wanted.length) return "a page that is not all"
    const wrong = page.find((pub, index) => pub.offset !== wanted[index] || !this.isRight(name, pub))
    return wrong === undefined ? undefined : `another publication ${JSON.stringify(wrong)}`
  }

  #room(name: string): Room {
    let room = this.#rooms.get(name)
    if (room === undefined) this.#rooms.set(name, (room = { log: [], ids: new Map() }))
    return room
  }

  #error(id: number, code: number): Rule {
    return {
      kind: "reply",
      id,
      fault: ({ error }) => (error?.code === code ? undefined : `expected error ${code}`)
    }
  }

  #result(id: number, method: string | undefined, fault: (result: Fields) => string | undefined): Rule {
    return {
      kind: "reply",
      id,
      fault: ({ error, ...reply }) => {
        if (error !== undefined) return `expected no error`
        if (method === undefined) return undefined
        const result = reply[method]
        return isObject(result) ? fault(result) : `expected ${method}`
      }
    }
  }
}

const upTo = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + 1 + index)
