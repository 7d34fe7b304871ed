import { expect, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Schema } from "effect"
import { ServerApi } from "../../../src/adapters/serverapi/ServerApi.ts"
import { replies } from "../../../src/adapters/serverapi/ServerApiSchema.ts"
import type { ServerMethod } from "../../../src/adapters/serverapi/ServerApiSchema.ts"
import { chatLayer } from "../../../src/ChatLayer.ts"
import { EngineStats } from "../../../src/domain/EngineStats.ts"
import { Sessions } from "../../../src/domain/Sessions.ts"
import { memoryAccount, memoryChatOptions, memoryStores } from "../../support/MemoryChat.ts"
import { classicClient, protocolClient } from "../../support/MemoryClients.ts"
import type { Value } from "../../support/MemoryClients.ts"
import { Journal } from "../../../src/ports/Journal.ts"

const parley = ServerApi.layer({ version: "1.2.3" }).pipe(
  Layer.provideMerge(
    chatLayer({ ...memoryChatOptions, sockets: { ...memoryChatOptions.sockets, messageRate: 1, messageBurst: 1 } })
  ),
  Layer.provideMerge(memoryStores),
  Layer.orDie
)

/** A reply, held against the schema that the documents are made of. */
const call = (method: ServerMethod, params: unknown) =>
  Effect.gen(function* () {
    const reply = yield* (yield* ServerApi).call(method, params)
    const decoded = Schema.decodeUnknownExit(replies[method])(reply, { onExcessProperty: "error" })
    expect(Exit.isSuccess(decoded), JSON.stringify(reply)).toBe(true)
    return reply as Answer
  })

const error = (code: number) => ({ error: { code, message: expect.any(String) } })

/** What a test looks at of an answer. */
interface Answer {
  readonly result?: { readonly publications?: ReadonlyArray<{ readonly data: unknown }> }
  readonly replies?: ReadonlyArray<{ readonly publish?: { readonly offset: number } }>
}

/** A socket of the classic wire that is in the room: it got what stands there. */
const inRoom = (room: string) =>
  Effect.gen(function* () {
    const client = yield* classicClient(room)
    yield* call("publish", { channel: room, data: { message: "in" } })
    yield* client.until(() => client.came.length > 0)
    return client
  })

const account = (username: string) =>
  Effect.gen(function* () {
    const token = yield* memoryAccount(username)
    const { sessionId } = yield* (yield* Sessions).authenticate(token)
    return { token: Redacted.value(token), sessionId }
  })

const member = (value: unknown, name: string): unknown => Reflect.get(Object(value), name)

const field = (right: string) =>
  Schema.optionalKey(Schema.Union([Schema.Literals(["", "$any", "__proto__", right]), Schema.Json]))

/** Fields that may be right, nearly right, anything, or missing. */
const Params = Schema.Union([
  Schema.Struct({
    channel: field("any"),
    channels: Schema.optionalKey(Schema.Array(Schema.Union([Schema.Literals(["any", "$any"]), Schema.Json]))),
    data: Schema.optionalKey(Schema.Json),
    idempotency_key: field("key"),
    user: field("nobody"),
    client: field("none"),
    session: field("none"),
    limit: Schema.optionalKey(Schema.Union([Schema.Int, Schema.Json])),
    since: Schema.optionalKey(Schema.Union([Schema.Struct({ offset: Schema.Int, epoch: Schema.String }), Schema.Json])),
    reverse: Schema.optionalKey(Schema.Boolean),
    pattern: field("*"),
    commands: Schema.optionalKey(Schema.Array(Schema.Union([Schema.Record(Schema.String, Schema.Json), Schema.Json])))
  }),
  Schema.Json
])

layer(parley)("the server API", (it) => {
  it.effect("publishes into the log, with its position and epoch, and everybody there gets it as a service's", () =>
    Effect.gen(function* () {
      const { epoch } = yield* Journal
      const reader = yield* protocolClient()
      yield* reader.asks({ subscribe: { channel: "news" } })
      expect(yield* call("publish", { channel: "news", data: { price: 7 } })).toEqual({ result: { offset: 1, epoch } })
      expect(yield* call("publish", { channel: "news", data: { message: "Hi", from: "billing" } })).toEqual({
        result: { offset: 2, epoch }
      })
      yield* reader.gets(({ push }) => push?.pub?.offset === 2)
      const publications = reader.came.flatMap(({ push }) => (push === undefined ? [] : [push.pub]))
      expect(publications).toEqual([
        {
          data: { price: 7 },
          info: expect.objectContaining({ conn_info: { name: "server", service: true } }),
          offset: 1
        },
        {
          data: { from: "billing", message: "Hi", date: expect.any(String) },
          info: { user: "", client: "", conn_info: { name: "billing", service: true } },
          offset: 2
        }
      ])
    })
  )

  it.effect("publishes a key's data once, for ever; other data under it are error 409", () =>
    Effect.gen(function* () {
      const publish = (data: unknown, key = "k1") => call("publish", { channel: "keys", data, idempotency_key: key })
      const first = yield* publish({ n: 1 })
      expect(first).toMatchObject({ result: { offset: 1 } })
      expect(yield* publish({ n: 1 })).toEqual(first)
      expect(yield* publish({ n: 2 })).toEqual(error(409))
      // An empty key is none.
      expect(yield* publish({ n: 1 }, "")).toMatchObject({ result: { offset: 2 } })
      // The id that clients send is the same thing.
      expect(yield* call("publish", { channel: "keys", data: { n: 1, _parley: { id: "k3" } } })).toMatchObject({
        result: { offset: 3 }
      })
      expect(yield* publish({ n: 1, _parley: { id: "k3" } }, "k3")).toMatchObject({ result: { offset: 3 } })
      expect(yield* publish({ n: 1, _parley: { id: "k3" } }, "k4")).toEqual(error(107))
    })
  )

  it.effect("refuses what it could not keep, by Centrifugo's codes, and says what is wrong", () =>
    Effect.gen(function* () {
      const refused = [
        [{}, 107],
        [{ channel: "bad" }, 107],
        [{ channel: "no spaces here", data: 1 }, 107],
        [{ channel: "bad", data: 1, idempotency_key: 7 }, 107],
        [{ channel: "bad", data: 1, skip_history: true }, 107],
        [{ channel: "bad", data: 1, tags: { a: "b" } }, 107],
        [{ channel: "bad", data: 1, b64data: "MQ==" }, 107],
        [{ channel: "bad", data: 1, version: 3 }, 107],
        [{ channel: "bad", data: { message: "" } }, 107],
        [{ channel: "bad", data: JSON.parse('{"__proto__": 1}') }, 107],
        [{ channel: "bad", data: Infinity }, 107],
        [{ channel: "bad", data: { order: [2 ** 53] } }, 107],
        [{ channel: "bad", data: { _parley: { from: "x".repeat(65) } } }, 107],
        [{ channel: "bad", data: { _parley: { from: "5ystem" } } }, 411],
        [{ channel: "bad", data: { message: "hi", from: "x".repeat(65) } }, 107],
        [{ channel: "bad", data: { message: "hi", from: "5ystem" } }, 411],
        [{ channel: "bad", data: "x".repeat(16 * 1_024) }, 106],
        ["publish", 107],
        [null, 107]
      ] as const
      for (const [params, code] of refused)
        expect(yield* call("publish", params), JSON.stringify(params)).toEqual(error(code))
      // What client libraries send for what nobody has set is nothing.
      const empty = { b64data: "", skip_history: false, tags: {}, version: 0, version_epoch: "", delta: false }
      expect(yield* call("publish", { channel: "bad", data: null, ...empty })).toMatchObject({ result: { offset: 1 } })
    })
  )

  it.effect("broadcasts to every room, private ones too, each with its own answer", () =>
    Effect.gen(function* () {
      yield* call("publish", { channel: "b2", data: 0, idempotency_key: "same" })
      const reply = yield* call("broadcast", { channels: ["b1", "b2", "$b3"], data: 1, idempotency_key: "same" })
      expect(reply).toMatchObject({
        result: { responses: [{ result: { offset: 1 } }, { error: { code: 409 } }, { result: { offset: 1 } }] }
      })
      expect(yield* call("broadcast", { channels: [], data: 1 })).toEqual(error(107))
      expect(yield* call("broadcast", { channels: Array.from({ length: 1_001 }, () => "b"), data: 1 })).toEqual(
        error(107)
      )
    })
  )

  it.effect("reads a room's log forwards, backwards and from a position; only where it stands without a limit", () =>
    Effect.gen(function* () {
      for (let n = 1; n <= 5; n++) yield* call("publish", { channel: "$log", data: n })
      const { epoch } = yield* Journal
      const page = (params: object) =>
        Effect.map(call("history", { channel: "$log", ...params }), (reply: Answer) => reply.result)
      const data = (params: object) =>
        Effect.map(page(params), (result) => result?.publications?.map(({ data }) => data))
      expect(yield* page({})).toEqual({ publications: [], epoch, offset: 5 })
      expect(yield* data({ limit: 2 })).toEqual([1, 2])
      expect(yield* data({ limit: 2, reverse: true })).toEqual([5, 4])
      expect(yield* data({ limit: -1, since: { offset: 3, epoch } })).toEqual([4, 5])
      expect(yield* data({ limit: 2, since: { offset: 3, epoch }, reverse: true })).toEqual([2, 1])
      expect(yield* call("history", { channel: "$log", limit: 1, since: { offset: 1, epoch: "another" } })).toEqual(
        error(112)
      )
      expect(yield* call("history", { channel: "$log", limit: 1, since: { offset: 9, epoch } })).toEqual(error(112))
    })
  )

  it.effect("sees who is in a room, and which rooms somebody is in", () =>
    Effect.gen(function* () {
      const { token } = yield* account("presence-user")
      const [his, guest] = [yield* protocolClient(token), yield* protocolClient()]
      for (const { asks } of [his, guest]) yield* asks({ subscribe: { channel: "here:1" } })
      yield* his.asks({ subscribe: { channel: "here:2" } })
      yield* inRoom("here:2")
      expect(yield* call("presence", { channel: "here:1" })).toEqual({
        result: {
          presence: {
            [his.id]: { user: "presence-user", client: his.id },
            [guest.id]: { user: "", client: guest.id }
          }
        }
      })
      expect(yield* call("presence_stats", { channel: "here:1" })).toEqual({ result: { num_clients: 2, num_users: 2 } })
      expect(yield* call("channels", { pattern: "here:*" })).toEqual({
        result: { channels: { "here:1": { num_clients: 2 }, "here:2": { num_clients: 2 } } }
      })
      expect(yield* call("channels", { pattern: "here:?x" })).toEqual({ result: { channels: {} } })
      expect(yield* call("channels", {})).toMatchObject({ result: { channels: { "here:1": { num_clients: 2 } } } })
      expect(yield* call("info", {})).toMatchObject({
        result: { nodes: [{ version: "1.2.3", num_clients: expect.any(Number), num_channels: expect.any(Number) }] }
      })
    })
  )

  it.effect("ends subscriptions of an account, of one client or one session of it, and says so; nobody else's", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* account("left-user"), yield* account("other-user")]
      const [phone, desk, other] = [
        yield* protocolClient(one.token),
        yield* protocolClient(one.token),
        yield* protocolClient(two.token)
      ]
      const guest = yield* protocolClient()
      for (const { asks } of [phone, desk, other, guest]) {
        yield* asks({ subscribe: { channel: "left" } })
        yield* asks({ subscribe: { channel: "stays" } })
      }
      const isPush = ({ push }: Value): boolean => push?.unsubscribe !== undefined
      expect(yield* call("unsubscribe", { user: "left-user", channel: "left", client: phone.id })).toEqual({
        result: {}
      })
      expect(phone.came.filter(isPush)).toEqual([
        { push: { channel: "left", unsubscribe: { code: 2_000, reason: "server unsubscribe" } } }
      ])
      expect(desk.came.some(isPush)).toBe(false)
      yield* call("unsubscribe", { user: "left-user", session: "another", channel: "left" })
      expect(desk.came.some(isPush)).toBe(false)
      yield* call("unsubscribe", { user: "left-user", session: one.sessionId })
      expect(desk.came.filter(isPush).map(({ push }) => push?.channel)).toEqual(["left", "stays"])
      expect([...other.came, ...guest.came].some(isPush)).toBe(false)
      expect(yield* call("presence_stats", { channel: "left" })).toEqual({ result: { num_clients: 2, num_users: 2 } })
      yield* call("unsubscribe", { user: "", channel: "left" })
      expect(guest.came.filter(isPush)).toHaveLength(1)
      // Whoever forgets the user means nobody.
      expect(yield* call("unsubscribe", { channel: "left" })).toEqual(error(107))
      expect(other.came.some(isPush)).toBe(false)
    })
  )

  it.effect("a socket of the classic wire, which has one room, is closed where it is unsubscribed (4505)", () =>
    Effect.gen(function* () {
      const socket = yield* inRoom("classic-left")
      yield* call("unsubscribe", { user: "", channel: "another" })
      expect(socket.closes).toEqual([])
      yield* call("unsubscribe", { user: "", channel: "classic-left" })
      expect(socket.closes).toMatchObject([{ code: 4_505 }])
    })
  )

  it.effect("closes an account's sockets for good, or by a code of the caller's, but for those it spares", () =>
    Effect.gen(function* () {
      const { sessionId, token } = yield* account("gone-user")
      const [first, spared, guest] = [
        yield* protocolClient(token),
        yield* protocolClient(token),
        yield* protocolClient()
      ]
      expect(yield* call("disconnect", { user: "gone-user", whitelist: [spared.id] })).toEqual({ result: {} })
      expect(first.closes).toEqual([{ code: 3_503, reason: "force disconnect" }])
      expect([spared.closes, guest.closes]).toEqual([[], []])
      yield* call("disconnect", { user: "gone-user", session: sessionId, disconnect: { code: 4_000, reason: "later" } })
      expect(spared.closes).toEqual([{ code: 4_000, reason: "later" }])
      expect(guest.closes).toEqual([])
      for (const disconnect of [{ code: 1_000 }, { code: 5_000 }, { code: 4_500, reason: "é".repeat(62) }]) {
        expect(yield* call("disconnect", { user: "gone-user", disconnect })).toEqual(error(107))
      }
      expect(yield* call("disconnect", {})).toEqual(error(107))
      yield* call("disconnect", { user: "", client: guest.id })
      expect(guest.closes).toMatchObject([{ code: 3_503 }])
    })
  )

  it.effect("answers a batch in its order, each command by itself, one after the other or side by side", () =>
    Effect.gen(function* () {
      for (const parallel of [false, true]) {
        const channel = `batch-${parallel}`
        const commands = [
          { publish: { channel, data: 1 } },
          { publish: { channel, data: 2 } },
          { publish: { channel: "" } },
          { nothing: {} },
          { batch: { commands: [] } },
          {},
          { publish: { channel, data: 3 }, info: {} },
          { presence_stats: { channel } }
        ]
        const reply: Answer = yield* call("batch", { commands, parallel })
        expect(reply.replies).toEqual([
          { publish: { offset: 1, epoch: expect.any(String) } },
          { publish: { offset: 2, epoch: expect.any(String) } },
          error(107),
          error(104),
          error(104),
          error(107),
          error(107),
          { presence_stats: { num_clients: 0, num_users: 0 } }
        ])
      }
      for (const params of [7, null, []]) expect(yield* call("info", params)).toEqual(error(107))
      expect(yield* call("batch", {})).toEqual(error(107))
      expect(yield* call("batch", { commands: [7] })).toEqual(error(107))
      expect(yield* call("batch", { commands: Array.from({ length: 1_001 }, () => ({ info: {} })) })).toEqual(
        error(107)
      )
    })
  )

  it.effect("is held up by no limit of messages, and what stands side by side in a batch shares commits", () =>
    Effect.gen(function* () {
      const { batchMessages } = yield* EngineStats
      const before = batchMessages.count
      const commands = Array.from({ length: 100 }, (_, n) => ({ publish: { channel: "flood", data: n } }))
      const reply: Answer = yield* call("batch", { commands, parallel: true })
      expect(reply.replies?.map(({ publish }) => publish?.offset)).toEqual(commands.map((_, n) => n + 1))
      expect(batchMessages.count - before).toBeLessThan(10)
    })
  )

  it.effect.prop(
    "answers whatever is asked by its schema, with Centrifugo's codes",
    [Schema.Literals(Object.keys(replies) as ReadonlyArray<ServerMethod>), Params],
    ([method, params]) =>
      Effect.gen(function* () {
        const reply = yield* call(method, params)
        if ("error" in reply) expect([100, 106, 107, 108, 112, 409, 411]).toContain(member(reply.error, "code"))
      }),
    { arbitrary: { runs: 400 } }
  )
})
