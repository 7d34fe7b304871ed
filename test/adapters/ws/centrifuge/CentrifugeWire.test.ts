import { createHmac } from "node:crypto"
import { once } from "node:events"
import { afterAll, beforeAll, expect, test } from "vitest"
import { WebSocket } from "ws"
import { encoded, repliesIn } from "../../../conformance/fuzz/CommandFrames.ts"
import type { Encoding } from "../../../conformance/fuzz/CommandFrames.ts"
import { Answers } from "../../../support/CentrifugePeer.ts"
import type { Value } from "../../../support/CentrifugePeer.ts"
import { ChatClient } from "../../../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../../../support/ServerProcess.ts"
import type { Started } from "../../../support/ServerProcess.ts"

const server = new ServerProcess()
const secret = "a secret for subscriptions alone, 32 bytes"
let started: Started

beforeAll(async () => {
  started = await server.up({ ...unlimited, SUBSCRIPTION_SECRET: secret })
})
afterAll(() => server.remove())

/** One socket: what came, value by value. */
class Peer extends Answers {
  readonly socket: WebSocket
  readonly closed: Promise<number>
  readonly #encoding: Encoding

  constructor(encoding: Encoding = "json") {
    super()
    this.#encoding = encoding
    const url = started.socketUrl.replace("/message/v1/send", "/connection/websocket")
    this.socket = new WebSocket(url, encoding === "json" ? [] : ["centrifuge-protobuf"])
    this.closed = new Promise((done) => this.socket.once("close", (code) => done(code)))
    this.socket.on("message", (data: Buffer) => {
      this.came.push(...repliesIn(encoding, data))
      this.look()
    })
  }

  static async connected(encoding: Encoding = "json"): Promise<Peer> {
    const peer = new Peer(encoding)
    await once(peer.socket, "open")
    await peer.asks({ id: 1, connect: {} })
    return peer
  }

  send(...commands: ReadonlyArray<object>): void {
    this.socket.send(encoded(this.#encoding, commands), { binary: this.#encoding === "protobuf" })
  }

  asks(command: { readonly id: number } & Value): Promise<Value> {
    this.send(command)
    return this.gets(({ id }) => id === command.id)
  }
}

const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url")

const tokenFor = (channel: string, by = secret, sub = ""): string => {
  const body = `${part({ alg: "HS256" })}.${part({ sub, channel, exp: Math.ceil(Date.now() / 1_000) + 60 })}`
  return `${body}.${createHmac("sha256", by).update(body).digest("base64url")}`
}

test("a publication is answered, and comes to whoever is subscribed with its position", async () => {
  const [alice, bob] = [await Peer.connected(), await Peer.connected()]
  expect(await bob.asks({ id: 2, subscribe: { channel: "first" } })).toMatchObject({
    subscribe: { recoverable: true, positioned: true, offset: 0 }
  })
  expect(await alice.asks({ id: 2, publish: { channel: "first", data: { message: "hi", from: "alice" } } })).toEqual({
    id: 2,
    publish: {}
  })
  expect(await bob.gets((value) => "push" in value)).toMatchObject({
    push: { channel: "first", pub: { offset: 1, data: { from: "alice", message: "hi" } } }
  })
})

test.each<Encoding>(["json", "protobuf"])(
  "a guest's chat message names him in its data, where the id is that it came with; whatever else he sends names him in its info (%s)",
  async (encoding) => {
    const channel = `guests-${encoding}`
    const peer = await Peer.connected(encoding)
    await peer.asks({ id: 2, subscribe: { channel } })
    await peer.asks({ id: 3, publish: { channel, data: { message: "hi", from: "gil" } } })
    await peer.asks({ id: 4, publish: { channel, data: { guest: false } } })
    await peer.asks({ id: 5, publish: { channel, data: { message: "hi", from: "gil", id: "g-1" } } })
    const said = {
      data: { from: "gil", message: "hi", date: expect.any(String), guest: true },
      offset: 1
    }
    const sent = {
      data: { guest: false },
      info: expect.objectContaining({ conn_info: { name: expect.any(String), guest: true } }),
      offset: 2
    }
    const named = { data: { ...said.data, id: "g-1" }, offset: 3 }
    const offsetOf = ({ push }: Value) => (push as { pub?: { offset: number } } | undefined)?.pub?.offset
    await peer.gets((value) => offsetOf(value) === 3)
    const pushes = peer.came.flatMap(({ push }) => (push === undefined ? [] : [(push as { pub: unknown }).pub]))
    expect(pushes).toEqual([said, sent, named])
    expect(await peer.asks({ id: 6, history: { channel, limit: 5 } })).toMatchObject({
      history: { publications: [said, sent, named] }
    })
  }
)

test("commands of a frame are answered in their order", async () => {
  const peer = await Peer.connected()
  peer.send(
    { id: 2, publish: { channel: "order", data: 1 } },
    { id: 3, nothing: {} },
    { id: 4, publish: { channel: "order", data: 2 } },
    { id: 5, history: { channel: "order", limit: 5, reverse: true } },
    { id: 6, ping: {} }
  )
  const last = await peer.gets(({ id }) => id === 6)
  expect(last).toEqual({ id: 6, ping: {} })
  expect(peer.came.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6])
  expect(peer.came[2]).toMatchObject({ error: { code: 104 } })
  expect(peer.came[4]).toMatchObject({ history: { offset: 2, publications: [{ data: 2 }, { data: 1 }] } })
})

test("recovery goes on as publications after the reply, without a gap or a double", async () => {
  const peer = await Peer.connected()
  const count = 1_500
  for (let i = 0; i < count; i += 500) {
    peer.send(...Array.from({ length: 500 }, (_, n) => ({ id: 10 + i + n, publish: { channel: "long", data: i + n } })))
  }
  await peer.gets(({ id }) => id === 9 + count)
  const reader = await Peer.connected()
  const reply = await reader.asks({ id: 2, subscribe: { channel: "long", recover: true, offset: 10, epoch: "" } })
  const { subscribe } = reply as {
    subscribe: { recovered: boolean; offset: number; publications: Array<{ offset: number }> }
  }
  expect(subscribe.recovered).toBe(true)
  expect(subscribe.offset).toBe(subscribe.publications.at(-1)?.offset)
  const offsetOf = ({ push }: Value) => (push as { pub: { offset: number } } | undefined)?.pub.offset
  await reader.gets((value) => offsetOf(value) === count)
  const seen = [...subscribe.publications.map(({ offset }) => offset), ...reader.came.map(offsetOf)].filter(
    (offset) => offset !== undefined
  )
  expect(seen).toEqual(Array.from({ length: count - 10 }, (_, n) => n + 11))
})

test("a position that the log does not have is not recovered from", async () => {
  const peer = await Peer.connected()
  for (const [id, request] of [
    [2, { offset: 99, epoch: "" }],
    [4, { offset: 0, epoch: "another" }]
  ] as const) {
    expect(await peer.asks({ id, subscribe: { channel: "empty", recover: true, ...request } })).toMatchObject({
      subscribe: { recovered: false, was_recovering: true, offset: 0 }
    })
    await peer.asks({ id: id + 1, unsubscribe: { channel: "empty" } })
  }
})

test("the classic wire, JSON and protobuf in one room are one order, for everybody, whoever wrote on which", async () => {
  const channel = "mixed"
  const classic = await ChatClient.connect(started.socketUrl, { room: channel, since: 0 })
  const [json, binary] = [await Peer.connected(), await Peer.connected("protobuf")]
  for (const peer of [json, binary]) await peer.asks({ id: 2, subscribe: { channel } })
  const each = 200
  for (let n = 0; n < each; n++) {
    classic.say(`classic ${n}`)
    json.send({ id: 10 + n, publish: { channel, data: { message: `json ${n}` } } })
    binary.send({ id: 10 + n, publish: { channel, data: { message: `binary ${n}` } } })
    // Their turns mix.
    if (n % 20 === 0) await json.gets(({ id }) => id === 10 + n)
  }
  const pubs = ({ came }: Peer) =>
    came.flatMap(({ push }) => {
      const { pub } = (push ?? {}) as {
        readonly pub?: { readonly offset: number; readonly data: { readonly message: string } }
      }
      return pub === undefined ? [] : [{ at: pub.offset, said: pub.data.message }]
    })
  await Promise.all([json, binary].map((peer) => peer.until(() => pubs(peer).length === 3 * each)))
  await classic.until(() => classic.messages.length === 3 * each)
  const order = classic.messages.map(({ message, seq }) => ({ at: seq, said: message }))
  expect(order.map(({ at }) => at)).toEqual(Array.from({ length: 3 * each }, (_, index) => index + 1))
  expect(pubs(json)).toEqual(order)
  expect(pubs(binary)).toEqual(order)
  await classic.close()
})

test("the same id is one publication; with other content it is an error", async () => {
  const peer = await Peer.connected()
  const publish = (id: number, data: unknown) => peer.asks({ id, publish: { channel: "ids", data } })
  expect(await publish(2, { n: 1, _parley: { id: "a" } })).toEqual({ id: 2, publish: {} })
  expect(await publish(3, { n: 1, _parley: { id: "a" } })).toEqual({ id: 3, publish: {} })
  expect(await publish(4, { n: 2, _parley: { id: "a" } })).toMatchObject({ error: { code: 409 } })
  expect(await publish(5, { n: 1, id: "b" })).toEqual({ id: 5, publish: {} })
  expect(await publish(6, { n: 2, id: "b" })).toEqual({ id: 6, publish: {} })
  expect(await peer.asks({ id: 7, history: { channel: "ids" } })).toMatchObject({ history: { offset: 3 } })
})

test("whoever watches hears of those who join and leave, and presence counts connections", async () => {
  const [watcher, other] = [await Peer.connected(), await Peer.connected()]
  await watcher.asks({ id: 2, subscribe: { channel: "door", join_leave: true } })
  await other.asks({ id: 2, subscribe: { channel: "door" } })
  const isPush = (kind: string) => (value: Value) => JSON.stringify(value).includes(`"${kind}":{"info"`)
  await watcher.gets((value) => watcher.came.filter(isPush("join")).length === 2 && isPush("join")(value))
  expect(await watcher.asks({ id: 3, presence_stats: { channel: "door" } })).toEqual({
    id: 3,
    presence_stats: { num_clients: 2, num_users: 1 }
  })
  other.socket.close()
  await watcher.gets(isPush("leave"))
})

test("a private room is closed to this wire but for who shows a token for it", async () => {
  const peer = await Peer.connected()
  const channel = "$private"
  const refused = { error: { code: 103 } }
  expect(await peer.asks({ id: 2, subscribe: { channel } })).toMatchObject(refused)
  expect(await peer.asks({ id: 3, publish: { channel, data: 1 } })).toMatchObject(refused)
  expect(await peer.asks({ id: 4, history: { channel, limit: 1 } })).toMatchObject(refused)
  expect(await peer.asks({ id: 5, presence: { channel } })).toMatchObject(refused)
  expect(await peer.asks({ id: 6, rpc: { method: "parley.room", data: { room: channel } } })).toMatchObject(refused)
  expect(await peer.asks({ id: 7, subscribe: { channel, token: tokenFor("$other") } })).toMatchObject(refused)
  expect(await peer.asks({ id: 8, subscribe: { channel, token: tokenFor(channel, "another secret") } })).toMatchObject(
    refused
  )
  expect(await peer.asks({ id: 9, subscribe: { channel, token: tokenFor(channel) } })).toMatchObject({
    subscribe: { expires: true }
  })
  expect(await peer.asks({ id: 10, publish: { channel, data: 1 } })).toEqual({ id: 10, publish: {} })
})

test("a private room is closed to the classic wire but for who shows a token for it", async () => {
  const url = `${started.socketUrl}?room=$classic`
  const shut = new WebSocket(url)
  const [code] = await once(shut, "close")
  expect(code).toBe(4_505)
  const wrong = new WebSocket(url, ["room-token", tokenFor("$other")])
  expect((await once(wrong, "close"))[0]).toBe(4_505)
  for (const open of [
    () => new WebSocket(url, ["room-token", tokenFor("$classic")]),
    () => new WebSocket(url, { headers: { "X-Room-Token": tokenFor("$classic") } })
  ]) {
    const socket = open()
    await once(socket, "open")
    socket.send(JSON.stringify({ from: "alice", message: "hi", date: "" }))
    const [data] = await once(socket, "message")
    expect(JSON.parse(String(data))).toMatchObject({ message: "hi", room: "$classic" })
    socket.close()
  }
})

test("a private room's history over HTTP is closed but to the account whose token for it is shown", async () => {
  const post = async (path: string, body: object): Promise<Value> => {
    const headers = { "content-type": "application/json" }
    const reply = await fetch(`${started.url}/api/user/v1/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body)
    })
    return reply.json()
  }
  const account = { username: "reader_1", password: "a good password" }
  await post("register", { ...account, full_name: "A Reader" })
  const { token } = await post("login", account)
  const status = async (roomToken?: string): Promise<number> => {
    const headers = {
      authorization: `Bearer ${String(token)}`,
      ...(roomToken === undefined ? {} : { "X-Room-Token": roomToken })
    }
    return (await fetch(`${started.url}/api/message/v1/history?room=$paper`, { headers })).status
  }
  expect(await status()).toBe(403)
  expect(await status(tokenFor("$paper"))).toBe(403)
  expect(await status(tokenFor("$other", secret, "reader_1"))).toBe(403)
  expect(await status(tokenFor("$paper", secret, "reader_1"))).toBe(200)
})

test.each([["nothing of JSON"], ['{"id":1,"ping":{}}'], ["[]"], ['{"id":-1}']])(
  "what cannot be answered ends the socket for good: %s",
  async (text) => {
    const peer = new Peer()
    await once(peer.socket, "open")
    peer.socket.send(text)
    expect(await peer.closed).toBe(3_501)
  }
)

const unreadable: ReadonlyArray<readonly [Encoding, Buffer]> = [
  ["json", Buffer.from("\ngarbage\n")],
  // A command of five bytes, cut off after two.
  ["protobuf", Buffer.from([5, 8, 1])]
]
test.each(unreadable)(
  "what stands in a frame before what cannot be read is carried out and answered, then the socket ends (%s)",
  async (encoding, garbage) => {
    const peer = await Peer.connected(encoding)
    const channel = `before-${encoding}`
    const after = encoded(encoding, [{ id: 9, publish: { channel, data: "after" } }])
    const commands = [
      { id: 5, ping: {} },
      { id: 6, publish: { channel, data: 1 } },
      { id: 7, publish: { channel, data: 2 } }
    ]
    peer.socket.send(Buffer.concat([encoded(encoding, commands), garbage, after]), { binary: encoding === "protobuf" })
    expect(await peer.closed).toBe(3_501)
    expect(peer.came.slice(1)).toEqual([
      { id: 5, ping: {} },
      { id: 6, publish: {} },
      { id: 7, publish: {} }
    ])
    const reader = await Peer.connected()
    expect(await reader.asks({ id: 2, history: { channel, limit: 5 } })).toMatchObject({
      history: { publications: [{ data: 1 }, { data: 2 }] }
    })
  }
)

test.each<Encoding>(["json", "protobuf"])(
  "whole numbers that would come out as others are error 107, not a publication (%s)",
  async (encoding) => {
    const peer = await Peer.connected(encoding)
    const channel = `numbers-${encoding}`
    const data = { _parley: { id: "n" }, order: 7 }
    const frame = encoded(encoding, [{ id: 2, publish: { channel, data: { ...data, order: 9_000_000_000_000_000 } } }])
    const beyond = Buffer.from(frame.toString("latin1").replace("9000000000000000", "9007199254740993"), "latin1")
    peer.socket.send(beyond, { binary: encoding === "protobuf" })
    expect(await peer.gets(({ id }) => id === 2)).toMatchObject({
      error: { code: 107, message: expect.stringContaining("9,007,199,254,740,991") }
    })
    expect(await peer.asks({ id: 3, publish: { channel, data } })).toEqual({ id: 3, publish: {} })
    expect(await peer.asks({ id: 4, history: { channel } })).toMatchObject({ history: { offset: 1 } })
  }
)

test.each([
  ["no JSON", "0a08033a060a016112017b"],
  ["no UTF-8", "0b08033a070a016112022280"],
  ["empty", "0908033a050a01611200"],
  ["not there", "0708033a030a0161"]
])("protobuf data that are %s are error 107, which says that they must be JSON", async (_what, command) => {
  const peer = await Peer.connected("protobuf")
  peer.socket.send(Buffer.from(command, "hex"))
  expect(await peer.gets(({ id }) => id === 3)).toMatchObject({
    error: { code: 107, message: expect.stringContaining("JSON") }
  })
})
