import protobuf from "protobufjs"
import { protobufSchema } from "../../../src/adapters/ws/centrifuge/ProtobufSchema.ts"
import type { Random } from "../../delivery/Random.ts"
import type { Reply } from "./CommandModel.ts"

export type Encoding = "json" | "protobuf"

const { root } = protobuf.parse(protobufSchema, { keepCase: true })
const Command = root.lookupType("Command")
const ReplyType = root.lookupType("Reply")
const jsonFields = new Set(["data", "conn_info", "chan_info"])
const utf8 = new TextDecoder("utf-8", { fatal: true })

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const parsed = (bytes: Uint8Array): readonly [unknown] | [] => {
  try {
    return [JSON.parse(utf8.decode(bytes))]
  } catch {
    return []
  }
}

/** The value with JSON where its bytes stand; what is none is left out. */
const withJson = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withJson)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]): Array<[string, unknown]> => {
      if (!jsonFields.has(name) || !(field instanceof Uint8Array)) return [[name, withJson(field)]]
      return parsed(field).map((json) => [name, json])
    })
  )
}

const withBytes = (value: unknown): unknown => {
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      jsonFields.has(name) ? Buffer.from(JSON.stringify(field) ?? "") : withBytes(field)
    ])
  )
}

/** A frame's bytes. Values that protobuf cannot say go as what comes nearest. */
export const encoded = (encoding: Encoding, values: ReadonlyArray<unknown>): Buffer => {
  if (encoding === "json") return Buffer.from(values.map((value) => textOf(value)).join("\n"))
  return Buffer.concat(values.map((value) => Command.encodeDelimited(messageOf(value)).finish()))
}

/** A command without a method where its fields have no place in the schema. */
const messageOf = (value: unknown): protobuf.Message => {
  try {
    const fields = withBytes(value)
    return Command.fromObject(isObject(fields) && Command.verify(fields) === null ? fields : { id: 5 })
  } catch {
    return Command.fromObject({ id: 5 })
  }
}

/** A text stands for itself: what is no JSON, or what `JSON.stringify` would not say. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? "null"))

/** The commands of a frame, as the library alone reads them; `undefined` where what cannot be read begins. */
export const commandsIn = (encoding: Encoding, frame: Buffer): ReadonlyArray<unknown> => {
  const commands: Array<unknown> = []
  try {
    if (encoding === "json") {
      for (const line of frame.toString().split("\n")) if (line.trim() !== "") commands.push(JSON.parse(line))
    } else for (const message of delimited(Command, frame)) commands.push(commandOf(message))
  } catch {
    commands.push(undefined)
  }
  return commands
}

const commandOf = (message: protobuf.Message): unknown => {
  const { id, ...methods } = Command.toObject(message, { longs: Number })
  const params = Object.entries(methods).map(([name, fields]) => [
    name,
    isObject(fields) ? { ...defaultsOf(name), ...Object(withJson(fields)) } : fields
  ])
  return { ...(id === undefined ? {} : { id }), ...Object.fromEntries(params) }
}

/** Proto3 sends nothing that is empty: what is needed is there, and empty; of data that are no JSON there is no value. */
const defaultsOf = (method: string): Fields => ({
  channel: "",
  ...(method.endsWith("refresh") ? { token: "" } : {}),
  ...(method === "publish" ? { data: undefined } : {})
})

/** What stands in a frame of the server's. Throws where it is none. */
export const repliesIn = (encoding: Encoding, frame: Buffer): ReadonlyArray<Reply> =>
  encoding === "json"
    ? frame
        .toString()
        .split("\n")
        .map((line) => JSON.parse(line) as Reply)
    : Array.from(
        delimited(ReplyType, frame),
        (message) => withJson(ReplyType.toObject(message, { longs: Number })) as Reply
      )

function* delimited(type: protobuf.Type, frame: Uint8Array): Generator<protobuf.Message> {
  const reader = protobuf.Reader.create(frame)
  while (reader.pos < reader.len) yield type.decodeDelimited(reader)
}

const roomsASocket = 5
/** Texts that are no command, or hold what a parser should not believe. */
const texts: ReadonlyArray<string> = [
  "",
  "null",
  "[]",
  "7",
  '"ping"',
  "{",
  '{"id":1e400,"ping":{}}',
  '{"id":7,"publish":{"channel":"deep","data":[1e400]}}',
  '{"id":7,"publish":{"channel":"deep","data":[9007199254740993]}}',
  '{"id":7,"ping":{},"rpc":null}',
  '{"id":7,"ping":{}}\n{"id":8,"history":{"channel":"deep","since":{"epoch":null}}}\ngarbage\n{"id":9,"ping":{}}',
  '{"id":7,"publish":{"channel":"proto","data":{"__proto__":{"a":1}}}}',
  `{"id":7,"publish":{"channel":"deep","data":${"[".repeat(70)}${"]".repeat(70)}}}`,
  '{"id":7,"__proto__":{"channel":"a"}}',
  '{"id":7,"constructor":{}}'
]
/** No room's names; none of them becomes somebody else's by a changed byte. */
const notRooms = (own: string): ReadonlyArray<string> => [
  "",
  `$${own}`,
  `${own} b`,
  own.padEnd(65, "x"),
  `${own}ä`,
  `../${own}`,
  `${own}\u0000`
]
/** Keys that mean something to this language or its libraries, and are a client's own words here. */
const meaningful = ["~effect/Equal", "~effect/Hash", "toJSON", "constructor", "valueOf", "then", "_tag"]
const odd: ReadonlyArray<unknown> = [null, true, -1, 0.5, 2 ** 53, "", "/", [], {}, { channel: 7 }]

/** Draws commands of one socket: mostly right ones, about its own rooms, in any order. */
export class CommandSource {
  readonly #random: Random
  readonly #rooms: ReadonlyArray<string>
  readonly #notRooms: ReadonlyArray<string>
  readonly #epoch: string
  #id = 1

  constructor(random: Random, prefix: string, epoch: string) {
    this.#random = random
    this.#rooms = Array.from({ length: roomsASocket }, (_, index) => `${prefix}-${index}`)
    this.#notRooms = notRooms(prefix)
    this.#epoch = epoch
  }

  next(): unknown {
    const random = this.#random
    const method = random.weighted({
      publish: 30,
      subscribe: 14,
      unsubscribe: 8,
      history: 10,
      presence: 4,
      presence_stats: 4,
      ping: 4,
      rpc: 5,
      send: 3,
      refresh: 2,
      sub_refresh: 3,
      pong: 2,
      connect: 0.1,
      unknown: 2,
      several: 1,
      odd: 2,
      text: 0.3
    })
    const id = random.chance(0.002) ? random.pick([0, -1, 1.5, 2 ** 32, "1", null]) : this.#nextId()
    switch (method) {
      case "pong":
        return {}
      case "text":
        return random.pick(texts)
      case "unknown":
        return { id, [random.pick(["subscribed", "toString", "Publish", "x"]) ?? "x"]: {} }
      case "several":
        return { id, ping: {}, [random.pick(["send", "rpc", "history"]) ?? ""]: this.#params("history") }
      case "odd":
        return this.#odd(id)
      case "send":
        return random.chance(0.7) ? { send: this.#params(method) } : { id, send: this.#params(method) }
      default:
        return { id, [method]: this.#params(method) }
    }
  }

  #nextId(): number {
    // An id may come twice: replies are in order.
    if (this.#random.chance(0.95)) this.#id += 1
    return this.#id
  }

  /** Right but for one field, or no fields at all. */
  #odd(id: unknown): unknown {
    const method = this.#random.pick(["subscribe", "publish", "history", "rpc", "unsubscribe", "sub_refresh"]) ?? "rpc"
    const params = Object.entries(this.#params(method))
    const at = this.#random.below(params.length + 1)
    const changed = params.map(([name, value], index) => [name, index === at ? this.#random.pick(odd) : value])
    if (this.#random.chance(0.3)) return { id, [method]: Object.fromEntries(params.filter((_, index) => index !== at)) }
    return { id, [method]: Object.fromEntries(changed) }
  }

  #channel(): string {
    return (this.#random.chance(0.94) ? this.#random.pick(this.#rooms) : this.#random.pick(this.#notRooms)) ?? ""
  }

  #token(): { readonly token?: string } {
    return this.#random.chance(0.05) ? { token: "e30.e30.x" } : {}
  }

  #position(): { readonly offset?: number; readonly epoch?: string } {
    const random = this.#random
    return {
      ...(random.chance(0.8)
        ? { offset: random.weighted({ near: 8, far: 1 }) === "near" ? random.below(12) : 2 ** 40 }
        : {}),
      ...(random.chance(0.7) ? { epoch: random.chance(0.85) ? this.#epoch : "another" } : {})
    }
  }

  #params(method: string): Fields {
    const random = this.#random
    const channel = this.#channel()
    switch (method) {
      case "connect":
        return { ...this.#token(), name: "fuzzer", version: "1" }
      case "subscribe": {
        const recover = random.chance(0.5) ? { recover: random.chance(0.9), ...this.#position() } : {}
        return { channel, ...this.#token(), ...recover, ...(random.chance(0.2) ? { join_leave: true } : {}) }
      }
      case "publish":
        return { channel, data: this.#data() }
      case "history":
        return {
          channel,
          ...(random.chance(0.8) ? { limit: random.pick([0, 1, 3, 100, 10_000, -1]) } : {}),
          ...(random.chance(0.5) ? { since: this.#position() } : {}),
          ...(random.chance(0.4) ? { reverse: true } : {})
        }
      case "rpc":
        return {
          method: random.chance(0.8) ? "parley.room" : "another",
          data: random.chance(0.8) ? { room: channel } : random.pick(odd)
        }
      case "refresh":
        return { token: "e30.e30.x" }
      case "sub_refresh":
        return { channel, token: "e30.e30.x" }
      case "send":
        return { data: this.#data() }
      case "ping":
        return {}
      default:
        return { channel }
    }
  }

  #mark(): unknown {
    const marks = [
      { id: "a" },
      { id: "b" },
      { id: "a", from: "fuzzer" },
      { from: "system" },
      { from: 7 },
      {},
      { id: "" },
      7
    ]
    return this.#random.pick<unknown>(marks)
  }

  #data(): unknown {
    const random = this.#random
    switch (random.weighted({ chat: 6, object: 4, marked: 2, plain: 2, bad: 1, long: 0.4 })) {
      case "chat":
        return {
          message: random.pick(["hello", "ä\u2028\u{1f600}", "x".repeat(300), '"\\\n']),
          ...(random.chance(0.5) ? { from: random.chance(0.9) ? "fuzzer" : "system" } : {}),
          ...(random.chance(0.3) ? { id: random.pick(["a", "b", "c"]) } : {})
        }
      case "object":
        return { n: random.below(5), id: "means nothing", channel: "x", push: { data: [] } }
      case "marked":
        return {
          n: random.below(2),
          ...(random.chance(0.3) ? { [random.pick(meaningful) ?? ""]: random.below(2) } : {}),
          _parley: this.#mark()
        }
      case "plain":
        return random.pick([
          0,
          -1.5,
          2 ** 53 - 1,
          -(2 ** 53),
          "text",
          null,
          true,
          [],
          [[1, "2", { a: null }]],
          { "": "" }
        ])
      case "bad":
        return random.pick([
          { message: "" },
          { message: " " },
          { message: "\ud800" },
          { message: "x", id: "\n" },
          { message: "x", from: 7 }
        ])
      default:
        return { text: "y".repeat(random.pick([10_000, 16_372, 16_373, 16_374, 17_000]) ?? 0) }
    }
  }
}

/** Some bytes of a frame changed. Text stays text: what is not UTF-8 is another protocol's affair. */
export const mutated = (random: Random, encoding: Encoding, frame: Buffer): Buffer => {
  const changed: Array<string | number> = encoding === "json" ? Array.from(frame.toString()) : Array.from(frame)
  for (let left = random.between(1, 3); left > 0 && changed.length > 0; left--) {
    const at = random.below(changed.length)
    const other = encoding === "json" ? (random.pick(Array.from('{}[]",:\n0-1eaz\u0000')) ?? "") : random.below(256)
    const cut = random.weighted({ overwrite: 5, cut: 1, insert: 2, remove: 2 })
    if (cut === "overwrite") changed[at] = other
    else if (cut === "cut") changed.splice(at)
    else if (cut === "insert") changed.splice(at, 0, other)
    else changed.splice(at, 1)
  }
  return encoding === "json" ? Buffer.from(changed.join("")) : Buffer.from(changed as Array<number>)
}
